"""`settle import` of a history, and of reports of which one has rows of another."""

from datetime import UTC, datetime
from decimal import Decimal

from orchestrator.loading.csv_files import FACTS
from orchestrator.loading.pipeline import TableCounts
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
