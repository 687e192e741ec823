"""`settle load` against a real PostgreSQL: every bad input by its exact line, all or nothing."""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES, Source
from orchestrator.loading.load import LoadReport, load_directory
from orchestrator.loading.pipeline import MAX_LINES, LoadRefused, TableCounts
from tests.support.settings import HOSTILE, OLIST

Connection = psycopg.Connection[Any]
Load = Callable[..., LoadReport]

HEADERS = {source.file_name: ",".join(source.columns) for source in SOURCES}
AT = "2026-11-02T09:30:00Z"
GOOD = {
    "sellers.csv": f"s1,Shop,EU,false,,active,true,{AT},{AT},weekly,",
    "orders.csv": f"o1,c1,s1,USD,100.00,,{AT},{AT}",
    "order_fees.csv": f"f1,o1,s1,commission,12.00,{AT},{AT}",
    "refunds.csv": f"r1,o1,s1,20.50,{AT},{AT},damaged,",
    "dispute_events.csv": f"e1,d1,o1,s1,opened,100.00,{AT},{AT}",
    "seller_charges.csv": f"h1,s1,subscription,29.00,{AT},{AT},November",
}


@pytest.fixture
def database(settings: Settings) -> str:
    """The URL of an empty marketplace that can be committed to."""
    url = database_url(settings, Component.OWNER)
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute("drop database if exists scratch with (force)")
        server.execute("create database scratch template settle")
    return psycopg.conninfo.make_conninfo(url, dbname="scratch")


@pytest.fixture
def marketplace_db(settings: Settings) -> Iterator[Connection]:
    """An empty marketplace in a transaction that is rolled back."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        connection.execute("select 1")
        yield connection
        connection.rollback()


@pytest.fixture
def load(marketplace_db: Connection, tmp_path: Path) -> Load:
    """Load files given by name as bytes, or as rows below the full header."""

    def run(files: dict[str, bytes | str | list[str]]) -> LoadReport:
        for old in tmp_path.glob("*.csv"):
            old.unlink()
        for name, content in files.items():
            if isinstance(content, list):
                content = "\n".join([HEADERS[name], *content]) + "\n"
            if isinstance(content, str):
                content = content.encode()
            (tmp_path / name).write_bytes(content)
        return load_directory(marketplace_db, tmp_path)

    return run


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def counts(connection: Connection) -> dict[str, int]:
    return {
        source.table: rows(connection, f"select count(*) from marketplace.{source.table}")[0][0]
        for source in SOURCES
    }


def refused(load: Load, files: dict[str, Any]) -> list[str]:
    with pytest.raises(LoadRefused) as refusal:
        load(files)
    return refusal.value.lines


# ---- Good files -------------------------------------------------------------------------------


def test_loads_each_table(load: Load, marketplace_db: Connection) -> None:
    report = load({name: [row] for name, row in GOOD.items()})
    assert report == LoadReport({s.table: TableCounts(inserted=1) for s in SOURCES})
    assert not report.is_noop
    assert counts(marketplace_db) == {s.table: 1 for s in SOURCES}


def test_same_rows_again_are_a_noop(load: Load, marketplace_db: Connection) -> None:
    files = {name: [row] for name, row in GOOD.items()}
    load(files)
    report = load(files)
    assert report == LoadReport({s.table: TableCounts(unchanged=1) for s in SOURCES})
    assert report.is_noop
    assert counts(marketplace_db) == {s.table: 1 for s in SOURCES}


def test_equal_values_written_otherwise_are_the_same(load: Load) -> None:
    load({name: [row] for name, row in GOOD.items()})
    report = load(
        {
            "sellers.csv": ["s1,Shop,EU,F,,active,,2026-11-02 10:30:00+01,2026-11-02T09:30Z,,"],
            "orders.csv": [f"o1,c1,s1,USD,100,,2026-11-02T10:30:00.000+0100,{AT}"],
        }
    )
    assert report.is_noop


def test_a_header_alone_is_no_rows(load: Load) -> None:
    assert load({"refunds.csv": []}) == LoadReport({"refunds": TableCounts()})


def test_columns_in_any_order_bom_crlf_quotes_and_blank_lines(
    load: Load, marketplace_db: Connection
) -> None:
    header = "updated_at,created_at,status,wallet_address,fast_settlement,region,display_name,"
    text = (
        f'{header}seller_id\r\n\r\n{AT},{AT},active,T1,YES,EU,"Søren\r\n& ""Sons"", Ltd",s1\r\n\r\n'
    )
    load({"sellers.csv": b"\xef\xbb\xbf" + text.encode()})
    assert rows(
        marketplace_db,
        "select display_name, fast_settlement, payouts_enabled from marketplace.sellers",
    ) == [('Søren\r\n& "Sons", Ltd', True, True)]


def test_missing_recorded_at_is_the_clock(load: Load, marketplace_db: Connection) -> None:
    marketplace_db.execute("insert into finance.clock (now_at) values ('2026-11-05T00:00:00Z')")
    files = {
        "sellers.csv": [GOOD["sellers.csv"]],
        "orders.csv": [f"o1,c1,s1,USD,1,,{AT},"],
        "order_fees.csv": "fee_id,order_id,seller_id,fee_type,amount,charged_at\n"
        f"f1,o1,s1,commission,-1.5,{AT}\n",
    }
    load(files)
    assert rows(
        marketplace_db,
        "select o.recorded_at = settle_now() and f.recorded_at = settle_now()"
        " from marketplace.orders as o, marketplace.order_fees as f",
    ) == [(True,)]
    marketplace_db.execute("update finance.clock set now_at = now_at + interval '1 day'")
    assert load(files).is_noop, "a recorded_at that is not given agrees with any"


def test_an_order_may_arrive_after_its_facts(load: Load) -> None:
    report = load({"sellers.csv": [GOOD["sellers.csv"]], "refunds.csv": [GOOD["refunds.csv"]]})
    assert report.tables["refunds"].inserted == 1


def test_repeats_within_a_file_are_one_row(load: Load, marketplace_db: Connection) -> None:
    report = load(
        {
            "sellers.csv": [GOOD["sellers.csv"]] * 2,
            "orders.csv": [f"o1,c1,s1,USD,5,,{AT},", f"o1,c1,s1,USD,5.00,,{AT},{AT}"],
        }
    )
    assert report.tables == {
        "sellers": TableCounts(inserted=1, unchanged=1),
        "orders": TableCounts(inserted=1, unchanged=1),
    }
    assert rows(marketplace_db, "select recorded_at = ordered_at from marketplace.orders") == [
        (True,)
    ], "the row that gives recorded_at is the one kept"


def test_sellers_the_newest_wins(load: Load, marketplace_db: Connection) -> None:
    def seller(name: str, day: int) -> str:
        return f"s1,{name},EU,false,,active,true,{AT},2026-11-{day:02d}T00:00:00Z,,"

    def stored() -> list[tuple[Any, ...]]:
        return rows(marketplace_db, "select display_name from marketplace.sellers")

    report = load({"sellers.csv": [seller("third", 3), seller("fourth", 4), seller("second", 2)]})
    assert report.tables["sellers"] == TableCounts(inserted=1, ignored=2)
    assert stored() == [("fourth",)]
    report = load({"sellers.csv": [seller("third", 3)]})
    assert report.tables["sellers"] == TableCounts(ignored=1)
    report = load({"sellers.csv": [seller("fourth", 4), seller("fifth", 5), seller("sixth", 6)]})
    assert report.tables["sellers"] == TableCounts(replaced=1, ignored=2)
    assert stored() == [("sixth",)]
    assert refused(load, {"sellers.csv": [seller("other", 6)]}) == [
        "sellers.csv:2: seller_id: 's1' is stored with another display_name;"
        " a change needs a newer updated_at"
    ]
    assert refused(load, {"sellers.csv": [seller("one", 7), seller("two", 7)]}) == [
        "sellers.csv:3: seller_id: 's1' is on line 2 with another display_name;"
        " a change needs a newer updated_at"
    ]


def test_other_files_and_folders_are_left_alone(load: Load, tmp_path: Path) -> None:
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "more.csv").write_text("x")
    (tmp_path / "README.md").write_text("x")
    assert load({"sellers.csv": []}).is_noop


@pytest.mark.parametrize("autocommit", [False, True])
def test_commits_by_itself_and_leaves_nothing_behind(
    database: str, tmp_path: Path, autocommit: bool
) -> None:
    temporary = "select count(*) from pg_class where relname like 'load%'"
    (tmp_path / "sellers.csv").write_text(f"{HEADERS['sellers.csv']}\n{GOOD['sellers.csv']}\n")
    with psycopg.connect(database, autocommit=autocommit) as connection:
        for _ in range(2):
            load_directory(connection, tmp_path)
        assert rows(connection, temporary) == [(0,)]
        connection.rollback()
        (tmp_path / "orders.csv").write_text(f"{HEADERS['orders.csv']}\no1\n")
        with pytest.raises(LoadRefused):
            load_directory(connection, tmp_path)
        assert rows(connection, temporary) == [(0,)]
    with psycopg.connect(database) as connection:
        assert counts(connection)["sellers"] == 1


# ---- Bad values -------------------------------------------------------------------------------

EMPTY = "every row needs one"
AMOUNT = "is not an amount; write it like 1234.50"
DECIMALS = "has more than 18 decimals; round it or fix the export"
INSTANT = "is not an instant; write it like 2026-11-22T09:30:00Z"
NO_OFFSET = "has no offset; write it like 2026-11-22T09:30:00Z"
RANGE = "is out of range; instants lie from 2000 to 2099"
STATUS = "is no status; use active, suspended or closed"
SCHEDULE = "is no schedule; use weekly, monthly or paused"
FLAG = "is neither true nor false; write one of the two"
BAD_VALUES = [
    ("orders.order_id", "", f"is empty; {EMPTY}"),
    ("orders.order_id", "  ", f"is blank; {EMPTY}"),
    ("orders.order_id", " o1", "has a space at its start or end; remove it"),
    ("orders.order_id", "\ufeffo1", "has an invisible character; remove it"),
    ("orders.order_id", "o\u200b\u202e1", "has an invisible character; remove it"),
    ("orders.order_id", "ö\x9b1", "has a line break or control character; remove it"),
    ("orders.order_id", "ö" * 256, "is longer than 255 characters; shorten it"),
    ("orders.checkout_id", "x" * 256, "is longer than 255 characters; shorten it"),
    ("orders.seller_id", "", f"is empty; {EMPTY}"),
    ("orders.currency", "", f"is empty; {EMPTY}"),
    ("orders.gross_amount", "", "is empty; write it like 1234.50"),
    ("orders.gross_amount", "1.0000000000000000000", DECIMALS),
    ("orders.gross_amount", "-12.", AMOUNT),
    ("orders.gross_amount", "NaN", AMOUNT),
    ("orders.gross_amount", "Infinity", AMOUNT),
    ("orders.gross_amount", "1e3", AMOUNT),
    ("orders.gross_amount", "1,234.50", AMOUNT),
    ("orders.gross_amount", "+5", AMOUNT),
    ("orders.gross_amount", " 5", AMOUNT),
    ("orders.gross_amount", "٣", AMOUNT),
    ("orders.exchange_rate", "1,0837", AMOUNT),
    ("orders.exchange_rate", "6.3e-05", AMOUNT),
    ("orders.exchange_rate", "0.0000630000000000001", DECIMALS),
    (
        "orders.gross_amount",
        "1000000000000",
        "is out of range; the largest amount is 999999999999.99",
    ),
    ("orders.ordered_at", "", "is empty; write it like 2026-11-22T09:30:00Z"),
    ("orders.ordered_at", "yesterday", INSTANT),
    ("orders.ordered_at", "2026-11-02", INSTANT),
    ("orders.ordered_at", "infinity", INSTANT),
    ("orders.ordered_at", "2026-11-02T09:30:00", NO_OFFSET),
    ("orders.ordered_at", "2026-11-02 09:30", NO_OFFSET),
    ("orders.ordered_at", "2026-02-30T09:30:00Z", "is not on the calendar or the clock; fix it"),
    ("orders.ordered_at", "2026-11-02T25:30:00Z", "is not on the calendar or the clock; fix it"),
    (
        "orders.ordered_at",
        "2026-11-02T09:30:00.1234567Z",
        "has more than six decimals of a second; cut them off",
    ),
    ("orders.ordered_at", "1970-01-01T00:00:00Z", RANGE),
    ("orders.recorded_at", "2999-01-01T00:00:00Z", RANGE),
    ("orders.recorded_at", "2026-11-02T09:30:00", NO_OFFSET),
    ("order_fees.amount", "NaN", AMOUNT),
    ("order_fees.amount", "-.001", AMOUNT),
    ("order_fees.seller_id", "s\n1", "has a line break or control character; remove it"),
    ("order_fees.fee_type", "", f"is empty; {EMPTY}"),
    ("refunds.amount", "", "is empty; write it like 1234.50"),
    ("refunds.reverses_refund_id", " r0", "has a space at its start or end; remove it"),
    ("dispute_events.amount", "all", AMOUNT),
    ("dispute_events.amount", "", "is empty; an event that is opened needs one"),
    ("dispute_events.event_type", "", f"is empty; {EMPTY}"),
    ("seller_charges.amount", "", "is empty; write it like 1234.50"),
    ("seller_charges.charge_type", "", f"is empty; {EMPTY}"),
    ("seller_charges.charged_at", "2026-11-02", INSTANT),
    ("sellers.status", "Active", STATUS),
    ("sellers.fast_settlement", "on", FLAG),
    ("sellers.fast_settlement", "", "is empty; write one of the two"),
    ("sellers.payouts_enabled", "2", FLAG),
    ("sellers.payout_schedule", "daily", SCHEDULE),
    ("sellers.payout_minimum", "-0.01", "is below 0; fix it"),
    ("sellers.payout_minimum", "ten", AMOUNT),
    ("sellers.region", "", f"is empty; {EMPTY}"),
    ("sellers.created_at", "5.11.2026", INSTANT),
    ("sellers.updated_at", "2026-11-02T09:30:00", NO_OFFSET),
]


@pytest.mark.parametrize(("column", "value", "fault"), BAD_VALUES)
def test_a_bad_value_is_named(
    load: Load, marketplace_db: Connection, column: str, value: str, fault: str
) -> None:
    table, column = column.split(".")
    file = f"{table}.csv"
    values = next(csv.reader([GOOD[file]]))
    values[list(HEADERS[file].split(",")).index(column)] = f'"{value}"'
    shown = "".join(c if c.isprintable() else "?" for c in value)
    shown = f"'{shown}' " if len(shown) <= 40 else f"'{shown[:40]}...' "
    files = {"sellers.csv": [GOOD["sellers.csv"]], file: ["", ",".join(values)]}
    assert refused(load, files) == [f"{file}:3: {column}: {shown if value else ''}{fault}"]
    assert not any(counts(marketplace_db).values())


FACT = "a fact never changes: give a correction an id of its own"


def test_accepted_amounts_and_instants(load: Load, marketplace_db: Connection) -> None:
    fees = [
        f"f{n},o1,s1,x,{amount},2026-11-02 09:30:00.123456-03:30,{AT}"
        for n, amount in enumerate(["0", "-0.30", "007.5", "999999999999.99"])
    ]
    load({"sellers.csv": [GOOD["sellers.csv"]], "order_fees.csv": fees})
    total = rows(marketplace_db, "select sum(amount)::text from marketplace.order_fees")
    assert total == [("1000000000007.19",)]


def test_one_line_per_bad_row(load: Load) -> None:
    assert refused(load, {"orders.csv": ["o1,,s1,USD,1,x,now,"]}) == [
        "orders.csv:2: checkout_id: is empty; every row needs one; also bad: exchange_rate,"
        " ordered_at"
    ]


def test_a_fact_with_other_content_is_refused(load: Load, marketplace_db: Connection) -> None:
    load({"sellers.csv": [GOOD["sellers.csv"]], "orders.csv": [GOOD["orders.csv"]]})
    other = f"o1,c2,s1,USD,100.01,,{AT},{AT}"
    assert refused(load, {"orders.csv": [other]}) == [
        f"orders.csv:2: order_id: 'o1' is stored with another checkout_id, gross_amount; {FACT}"
    ]
    later = f"o1,c1,s1,USD,100.00,,{AT},2026-11-03T00:00:00Z"
    assert refused(load, {"orders.csv": [later]}) == [
        f"orders.csv:2: order_id: 'o1' is stored with another recorded_at; {FACT}"
    ]
    converted = f"o1,c1,s1,USD,100.00,1.5,{AT},{AT}"
    assert refused(load, {"orders.csv": [converted]}) == [
        f"orders.csv:2: order_id: 'o1' is stored with another exchange_rate; {FACT}"
    ]
    assert counts(marketplace_db)["orders"] == 1


def test_an_id_is_unique_within_a_seller(load: Load, marketplace_db: Connection) -> None:
    sellers = [GOOD["sellers.csv"], GOOD["sellers.csv"].replace("s1", "s2")]
    facts = {name: [row, row.replace("s1", "s2")] for name, row in GOOD.items()}
    load({**facts, "sellers.csv": sellers})
    assert counts(marketplace_db) == {s.table: 2 for s in SOURCES}
    other = GOOD["orders.csv"].replace("s1", "s2").replace("100.00", "99.00")
    assert refused(load, {"orders.csv": [GOOD["orders.csv"], other]}) == [
        f"orders.csv:3: order_id: 'o1' is stored with another gross_amount; {FACT}"
    ]


def test_a_bad_fact_that_can_be_read_is_stored(load: Load, marketplace_db: Connection) -> None:
    """What is wrong with it is shown after the next build, and stops nobody else's payout."""
    load(
        {
            "orders.csv": [f"o1,c1,ghost,XXX,-3.005,0,{AT},", f"o2,c1,s1,JPY,0,,{AT},"],
            "refunds.csv": [f"r1,o9,ghost,-1,{AT},,,r9"],
            "dispute_events.csv": [
                f"e1,d1,o9,s1,inquiry,-1,{AT},",
                f"e2,d1,o9,s1,inquiry,,{AT},",
                f"e3,d1,o9,s1,withdrawn,,{AT},",
                f"e4,d1,o9,s1,lost,0,{AT},",
            ],
            "seller_charges.csv": [f"h1,ghost,storage,0,{AT},,"],
        }
    )
    amounts = rows(marketplace_db, "select amount from marketplace.dispute_events order by 1")
    assert amounts == [(-1,), (0,), (None,), (None,)]
    assert rows(
        marketplace_db,
        "select gross_amount::text, exchange_rate from marketplace.orders order by order_id",
    ) == [("-3.005", 0), ("0", None)]


def test_columns_that_may_be_missing(load: Load, marketplace_db: Connection) -> None:
    load(
        {
            "sellers.csv": "seller_id,display_name,region,fast_settlement,wallet_address,status,"
            f"created_at,updated_at\ns1,Shop,EU,no,,active,{AT},{AT}\n",
            "orders.csv": "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at\n"
            f"o1,c1,s1,USD,5,{AT}\n",
            "refunds.csv": "refund_id,order_id,seller_id,amount,refunded_at,reason\n"
            f"r1,o1,s1,5,{AT},late\n",
            "seller_charges.csv": "charge_id,seller_id,charge_type,amount,charged_at\n"
            f"h1,s1,storage,5,{AT}\n",
        }
    )
    [row] = rows(
        marketplace_db,
        "select payouts_enabled, payout_schedule, payout_minimum, exchange_rate,"
        " reverses_refund_id, note, o.recorded_at = settle_now()"
        " from marketplace.sellers, marketplace.orders as o, marketplace.refunds,"
        " marketplace.seller_charges",
    )
    assert row == (True, "weekly", None, None, None, None, True)
    given = {
        "sellers.csv": [f"s1,Shop,EU,no,,active,no,{AT},2026-11-03T00:00:00Z,monthly,20.5"],
        "orders.csv": [f"o2,c1,s1,EUR,5,1.0837,{AT},"],
        "refunds.csv": [f"r2,o1,s1,5,{AT},,bounced,r1"],
        "seller_charges.csv": [f"h2,s1,storage,-5,{AT},,credit"],
    }
    assert load(given).tables["sellers"] == TableCounts(replaced=1)
    [row] = rows(
        marketplace_db,
        "select payouts_enabled, payout_schedule, payout_minimum::text, exchange_rate::text,"
        " reverses_refund_id, note from marketplace.sellers, marketplace.orders,"
        " marketplace.refunds, marketplace.seller_charges"
        " where orders.order_id = 'o2' and refund_id = 'r2' and charge_id = 'h2'",
    )
    assert row == (False, "monthly", "20.5", "1.0837", "r1", "credit")
    assert load(given).is_noop


def test_a_repeat_with_other_content_is_refused(load: Load) -> None:
    orders = [
        f"o1,c1,s1,USD,1,,{AT},",
        f"o1,c1,s1,USD,1,,{AT},{AT}",
        f"o1,c1,s1,USD,1,,{AT},2026-11-03T00:00:00Z",
        f"o1,c1,s1,EUR,1,,{AT},",
    ]
    assert refused(load, {"sellers.csv": [GOOD["sellers.csv"]], "orders.csv": orders}) == [
        f"orders.csv:4: order_id: 'o1' is on line 3 with another recorded_at; {FACT}",
        f"orders.csv:5: order_id: 'o1' is on line 3 with another currency; {FACT}",
    ]


# ---- Broken files -----------------------------------------------------------------------------

ORDERS = HEADERS["orders.csv"]
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


# ---- Directories ------------------------------------------------------------------------------


def test_a_misnamed_file_is_refused(load: Load) -> None:
    header = HEADERS["refunds.csv"].replace(",reverses_refund_id", "")
    assert refused(load, {"sellers.csv": [], "Orders.CSV": "", "refund.csv": f"{header}\n"}) == [
        "'refund.csv' has the columns of refunds.csv; rename it or take it away",
        "'Orders.CSV' is written orders.csv; rename it or take it away",
    ]


def test_a_file_of_something_else_is_left_alone_and_named(load: Load) -> None:
    report = load({"sellers.csv": [], "posted.csv": "table,seller_id,id\n", "empty.csv": ""})
    assert report.left_alone == ("empty.csv", "posted.csv")
    assert report.is_noop


def test_a_directory_without_files_is_refused(
    load: Load, marketplace_db: Connection, tmp_path: Path
) -> None:
    nothing = r"holds no CSV file of a source table; use one or more of sellers\.csv"
    with pytest.raises(SettleError, match=nothing):
        load_directory(marketplace_db, tmp_path)
    with pytest.raises(SettleError, match=nothing):
        load({"posted.csv": "table,seller_id,id\n"})
    with pytest.raises(SettleError, match=r"nowhere is no directory; name the one"):
        load_directory(marketplace_db, tmp_path / "nowhere")


# ---- At once, and real data -------------------------------------------------------------------


def test_two_loads_at_once_store_each_row_once(database: str, tmp_path: Path) -> None:
    (tmp_path / "sellers.csv").write_text(f"{HEADERS['sellers.csv']}\n{GOOD['sellers.csv']}\n")
    orders = "\n".join(f"o{n},c1,s1,USD,1,,{AT}," for n in range(2000))
    (tmp_path / "orders.csv").write_text(f"{ORDERS}\n{orders}\n")

    def run(_: int) -> int:
        with psycopg.connect(database) as connection:
            return load_directory(connection, tmp_path).tables["orders"].inserted

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, range(4))) == [0, 0, 0, 2000]
    with psycopg.connect(database) as connection:
        assert counts(connection)["orders"] == 2000


def contents(connection: Connection, source: Source, columns: list[str]) -> list[tuple[str, ...]]:
    """The stored rows of a table as its file would write them."""
    text = sql.SQL(", ").join(
        sql.SQL("to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").format(
            sql.Identifier(name)
        )
        if name.endswith("_at")
        else sql.SQL("coalesce({}::text, '')").format(sql.Identifier(name))
        for name in columns
    )
    table = sql.Identifier("marketplace", source.table)
    return sorted(connection.execute(sql.SQL("select {} from {}").format(text, table)).fetchall())


def assert_holds_the_files(connection: Connection, folder: Path) -> None:
    """Every table has exactly the rows of its file, to the last decimal."""
    for source in SOURCES:
        given: list[tuple[str, ...]] = []
        columns = list(source.columns)
        if (folder / source.file_name).exists():
            with (folder / source.file_name).open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                columns = list(reader.fieldnames or ())
                given = sorted(tuple(row[c] for c in columns) for row in reader)
        assert contents(connection, source, columns) == given, source.table


def test_olist_loads_to_the_cent(marketplace_db: Connection) -> None:
    if not OLIST.is_dir():
        pytest.skip(f"no Olist sample at {OLIST}: loading real data was not tested")
    report = load_directory(marketplace_db, OLIST)
    assert {t: c.inserted for t, c in report.tables.items()} == {
        "sellers": 1610,
        "orders": 7433,
        "order_fees": 15318,
        "refunds": 468,
        "dispute_events": 3749,
    }
    assert_holds_the_files(marketplace_db, OLIST)
    assert load_directory(marketplace_db, OLIST).is_noop


def test_the_hostile_sample_loads_whole(marketplace_db: Connection) -> None:
    """Currencies of 0 to 3 decimals, ids unique within a seller, and facts that are bad."""
    if not HOSTILE.is_dir():
        pytest.skip(f"no hostile sample at {HOSTILE}: loading it was not tested")
    load_directory(marketplace_db, HOSTILE)
    assert_holds_the_files(marketplace_db, HOSTILE)
    late = load_directory(marketplace_db, HOSTILE / "late")
    assert sum(counts.inserted for counts in late.tables.values()) == 41
    assert_holds_the_files(marketplace_db, HOSTILE / "all")
    assert load_directory(marketplace_db, HOSTILE / "all").is_noop


def test_a_table_that_grows_is_not_read_for_each_row(
    load: Load, marketplace_db: Connection
) -> None:
    """Statistics from when it was empty promise that this is cheap."""
    load({"sellers.csv": [GOOD["sellers.csv"]]})
    load({"orders.csv": [f"n{n},c{n},s1,USD,1.00,,{AT},{AT}" for n in range(2000)]})
    [(scans,)] = rows(
        marketplace_db,
        "select seq_scan from pg_stat_xact_user_tables"
        " where schemaname = 'marketplace' and relname = 'orders'",
    )
    assert scans < 50
