"""`settle load` of what is stored already: the same, a newer seller, or another fact of one id."""

from typing import Any

from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.load import LoadReport
from orchestrator.loading.pipeline import TableCounts
from tests.data.load_files import (
    AT,
    GOOD,
    Connection,
    Load,
    counts,
    refused,
    rows,
)

FACT = "a fact never changes: give a correction an id of its own"


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


def test_an_id_is_unique_within_a_seller(load: Load, marketplace_db: Connection) -> None:
    sellers = [GOOD["sellers.csv"], GOOD["sellers.csv"].replace("s1", "s2")]
    facts = {name: [row, row.replace("s1", "s2")] for name, row in GOOD.items()}
    load({**facts, "sellers.csv": sellers})
    assert counts(marketplace_db) == {s.table: 2 for s in SOURCES}
    other = GOOD["orders.csv"].replace("s1", "s2").replace("100.00", "99.00")
    assert refused(load, {"orders.csv": [GOOD["orders.csv"], other]}) == [
        f"orders.csv:3: order_id: 'o1' is stored with another gross_amount; {FACT}"
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
