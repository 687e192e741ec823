"""`settle load` of files that are no CSV files of ours: each by its exact line, all or nothing."""

import pytest

from orchestrator.loading.pipeline import MAX_LINES, LoadRefused
from tests.data.load_files import (
    AMOUNT,
    AT,
    GOOD,
    ORDERS,
    Connection,
    Load,
    counts,
    refused,
)

BROKEN_FILES: list[tuple[str, bytes | str, list[str]]] = [
    ("empty", b"", ["orders.csv:1: the file is empty; its first line must name the columns"]),
    (
        "a mark and blank lines",
        b"\xef\xbb\xbf\n\n",
        ["orders.csv:1: the file is empty; its first line must name the columns"],
    ),
    (
        "header",
        "order_id,seller_id,seller_id,gross_amount,ordered_at,colour\n1,2,3\n",
        [
            "orders.csv:1: column 'colour' is unknown; remove it (known are order_id, checkout_id,"
            " seller_id, currency, gross_amount, exchange_rate, ordered_at, recorded_at)",
            "orders.csv:1: column 'seller_id' is named 2 times; keep one",
            "orders.csv:1: column checkout_id is missing; add it to the header and to each row",
            "orders.csv:1: column currency is missing; add it to the header and to each row",
        ],
    ),
    (
        "semicolons",
        ORDERS.replace(",", ";"),
        ["orders.csv:1: the columns are not separated by commas; export the file with commas"],
    ),
    (
        "ragged",
        f"{ORDERS}\no1,c1,s1\n{GOOD['orders.csv']}\n{GOOD['orders.csv']},,\n",
        [
            "orders.csv:2: has 3 fields instead of 8; a value or comma is missing",
            "orders.csv:4: has 10 fields instead of 8; quote values that contain commas",
        ],
    ),
    (
        "latin-1",
        f"{ORDERS}\n{GOOD['orders.csv']}\no2,ç,s1,USD,x,,{AT},\n".encode("latin-1"),
        ["orders.csv:3: is not UTF-8; export the file as UTF-8"],
    ),
    (
        "utf-16",
        f"{ORDERS}\n".encode("utf-16"),
        ["orders.csv:1: is not UTF-8; export the file as UTF-8"],
    ),
    (
        "nul",
        f"{ORDERS}\no\0,c1,s1,USD,1,,{AT},\n",
        ["orders.csv:2: has a NUL character; remove it or fix the export"],
    ),
    (
        "lines within quotes are counted",
        f'{ORDERS}\r\n"o\r\n\r\n1",c1,s1,USD,1,,{AT},\r\no2,c1,s1,USD,x,,{AT},\r\n',
        [
            "orders.csv:2: order_id: 'o????1' has a line break or control character; remove it",
            f"orders.csv:5: gross_amount: 'x' {AMOUNT}",
        ],
    ),
    (
        "old Macintosh line ends",
        f"{ORDERS}\r{GOOD['orders.csv']}\ro2,c1,s1,USD,x,,{AT},\r",
        [f"orders.csv:3: gross_amount: 'x' {AMOUNT}"],
    ),
    (
        "open quote",
        f'{ORDERS}\no1,"c1,s1,USD,1,,{AT},\n{GOOD["orders.csv"]}\n',
        [
            "orders.csv:2: a quote is opened and not closed;"
            " fix it, the rest of the file was not read"
        ],
    ),
    (
        "open quote in a long file",
        f'{ORDERS}\no1,"c1,s1,USD,1,,{AT},\n' + f"{GOOD['orders.csv']}\n" * 5000,
        [
            "orders.csv:2: a quote is opened and not closed;"
            " fix it, the rest of the file was not read"
        ],
    ),
    (
        "stray quote",
        f'{ORDERS}\no1,"c"1",s1,USD,1,,{AT},\n',
        [
            "orders.csv:2: a quote inside a quoted value is not doubled;"
            " fix it, the rest of the file was not read"
        ],
    ),
]


@pytest.mark.parametrize(
    ("content", "lines"),
    [pytest.param(content, lines, id=name) for name, content, lines in BROKEN_FILES],
)
def test_a_broken_file_is_named(
    load: Load, marketplace_db: Connection, content: bytes | str, lines: list[str]
) -> None:
    assert refused(load, {"sellers.csv": [GOOD["sellers.csv"]], "orders.csv": content}) == lines
    assert not any(counts(marketplace_db).values())


def test_a_broken_sellers_file_does_not_blame_the_facts(load: Load) -> None:
    orders = [GOOD["orders.csv"], f"o2,c1,s1,USD,zero,,{AT},"]
    bad = f"s1,Shop,EU,maybe,,active,true,{AT},{AT},,"
    amount = f"orders.csv:3: gross_amount: 'zero' {AMOUNT}"
    assert refused(load, {"sellers.csv": ["s1"], "orders.csv": orders}) == [
        "sellers.csv:2: has 1 field instead of 11; a value or comma is missing",
        amount,
    ]
    assert refused(load, {"sellers.csv": [bad], "orders.csv": orders}) == [
        "sellers.csv:2: fast_settlement: 'maybe' is neither true nor false; write one of the two",
        amount,
    ]


def test_problems_of_all_files_in_order_and_capped(load: Load, marketplace_db: Connection) -> None:
    orders = [f"o{n},c1,s1,USD,zero,,{AT},," for n in range(60)]
    files = {"refunds.csv": [f"r1,o1,s1,1,{AT},"], "orders.csv": orders}
    with pytest.raises(LoadRefused) as refusal:
        load({"sellers.csv": [GOOD["sellers.csv"]], **files})
    assert str(refusal.value) == (
        "nothing was loaded: 61 problems (the first 50 are listed); fix and load again"
    )
    assert len(refusal.value.lines) == MAX_LINES
    assert refusal.value.lines[0].startswith("orders.csv:2: has 9 fields")
    assert refusal.value.lines[-1].startswith("orders.csv:51: ")
    assert not any(counts(marketplace_db).values()), "the good seller was not loaded either"
