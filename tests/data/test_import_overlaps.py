"""`settle import` of a history, and of reports of which one has rows of another."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestrator.loading.csv_files import FACTS
from orchestrator.loading.pipeline import LoadRefused, TableCounts
from tests.data.importer import REPORTS, SAMPLES, Importer

RECORDED = """
    select distinct recorded_at from marketplace.orders where order_id = 'ch_{}'
"""
CLOSED = """
    insert into finance.window_closes values (
        '2026-W45', '2026-11-02', '2026-11-09', '2026-11-10', 'UTC', 'USD', 0, 0, 0, 0, 0
    )
"""


def test_history_is_recorded_when_it_happened_and_rows_after_a_close_when_they_come(
    importer: Importer,
) -> None:
    """Else all of a year would be known from today on, and owed in the first week."""
    importer.connection.execute("insert into finance.clock (now_at) values ('2026-12-01 12:00Z')")
    importer("stripe")
    assert importer.rows(RECORDED.format(1)) == [(datetime(2026, 11, 2, 10, 15, tzinfo=UTC),)]
    late = [table.table for table in FACTS if importer.rows(
        f"select 1 from marketplace.{table.table} where recorded_at <> {table.happened}"
    )]  # fmt: skip
    assert not late
    importer.connection.execute(CLOSED)
    assert importer("stripe").is_noop
    summary = REPORTS / "stripe_activity_summary.csv"
    importer("stripe", REPORTS / "stripe_activity.csv", totals=summary)
    assert importer.rows(RECORDED.format(3)) == [(datetime(2026, 12, 1, 12, tzinfo=UTC),)]


def test_overlapping_reports_count_each_row_once(importer: Importer) -> None:
    head, *rows = SAMPLES["stripe"].read_text().splitlines(keepends=True)
    one = importer.file("one.csv", head + "".join(rows[:6]))
    two = importer.file("two.csv", head + "".join(rows[3:]))
    assert not importer("stripe", one, two).is_noop
    assert importer("stripe").is_noop


def test_report_that_overlaps_an_earlier_one_adds_the_rest(importer: Importer) -> None:
    head, *rows = SAMPLES["stripe"].read_text().splitlines(keepends=True)
    summary = importer.file(
        "summary.csv", "reporting_category,currency,gross,fee,net\ncharge,usd,150.00,4.95,145.05\n"
    )
    importer("stripe", importer.file("one.csv", head + "".join(rows[:2])), totals=summary)
    assert importer.facts() == {"orders": 2, "order_fees": 2}
    assert importer("stripe").tables["order_fees"] == TableCounts(inserted=1, unchanged=2)


def test_balance_report_adds_to_payout_reconciliation_what_that_did_not_have(
    importer: Importer,
) -> None:
    importer("stripe")
    activity = REPORTS / "stripe_activity.csv"
    report = importer("stripe", activity, totals=REPORTS / "stripe_activity_summary.csv")
    assert report.tables == {
        "orders": TableCounts(inserted=1),
        "order_fees": TableCounts(inserted=1),
        "dispute_events": TableCounts(unchanged=1),
        "seller_charges": TableCounts(unchanged=1),
    }
    assert importer.rows("select order_id, gross_amount from marketplace.orders")[-1] == (
        *("ch_3", Decimal(80)),
    )


def test_two_refunds_in_one_second_are_both_counted_in_overlapping_reports(
    importer: Importer,
) -> None:
    text = SAMPLES["shopify"].read_text()
    importer("shopify", SAMPLES["shopify"], importer.file("again.csv", text + "\n"))
    assert importer.rows("select amount from marketplace.refunds") == [(Decimal(20),)]


def test_same_id_with_another_amount_is_refused(importer: Importer) -> None:
    text = SAMPLES["paypal"].read_text(encoding="utf-8-sig")
    twice = text.replace("1AA00000000000002", "1AA00000000000001")
    assert (
        "twice.csv:6: id: '1AA00000000000001' is on line 5 with another amount, type or instant;"
        " export the reports again"
    ) in importer.refused("paypal", importer.file("twice.csv", twice))


@pytest.fixture
def charges(importer: Importer) -> dict[str, Any]:
    """Of two orders, and what the caller says of it."""
    text = SAMPLES["stripe"].read_text().splitlines(keepends=True)[:3]
    summary = "reporting_category,currency,gross,fee,net\ncharge,usd,150.00,4.95,145.05\n"
    report = importer.file("charges.csv", "".join(text))
    said = {"totals": importer.file("summary.csv", summary), "fees": "marketplace"}
    importer("stripe", report, **said)
    return {"report": report, **said}


def refused_again(importer: Importer, report: Path, **said: Any) -> list[str]:
    before = importer.rows("select * from marketplace.orders order by order_id")
    with pytest.raises(LoadRefused) as refusal:
        importer("stripe", report, **said)
    assert importer.rows("select * from marketplace.orders order by order_id") == before
    return refusal.value.lines


def test_a_report_imported_again_with_other_sellers_is_refused(
    importer: Importer, charges: dict[str, Any]
) -> None:
    """A key that was mapped to the wrong seller, and then to the right one: both would be owed."""
    mapped = importer.file("mapped.csv", "seller_key,seller_id\ns1,s2\ns2,s2\n")
    assert refused_again(importer, charges.pop("report"), sellers=mapped, **charges) == [
        "charges.csv:2: seller: 'ch_1' is stored with this amount and instant for seller 's1', and"
        " would count twice; name the sellers as the import before did, and correct a wrong one"
        " with adjustments"
    ]


def test_the_part_of_another_seller_in_an_order_is_no_repetition(
    importer: Importer, charges: dict[str, Any]
) -> None:
    text = charges.pop("report").read_text()
    part = text.splitlines(keepends=True)[1].replace("s1", "s2").replace("txn_1", "txn_9")
    summary = "reporting_category,currency,gross,fee,net\ncharge,usd,250.00,8.15,241.85\n"
    charges["totals"] = importer.file("both_summary.csv", summary)
    report = importer("stripe", importer.file("both.csv", text + part), **charges)
    assert report.tables["orders"] == TableCounts(inserted=1, unchanged=2)


def test_a_report_imported_again_with_other_order_ids_is_refused(
    importer: Importer, charges: dict[str, Any]
) -> None:
    charges["order_from"] = "payment_intent_id"
    [said] = refused_again(importer, charges.pop("report"), **charges)
    assert re.fullmatch(
        r"charges\.csv: was imported on [-0-9]{10} with no --order-from, and its orders would count"
        r" twice under other ids; say the same again",
        said,
    )
