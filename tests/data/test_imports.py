"""`settle import` against a real PostgreSQL: what reports become, and that their totals tie."""

from decimal import Decimal

import pytest

from orchestrator.errors import SettleError
from orchestrator.loading.imports.formats import format_names
from orchestrator.loading.pipeline import TableCounts
from tests.data.importer import FORMATS, SAMPLES, Importer


def test_each_format_has_a_sample() -> None:
    assert format_names() == sorted(SAMPLES)


@FORMATS
def test_report_becomes_facts_and_the_same_report_again_nothing(
    importer: Importer, name: str
) -> None:
    first = importer(name)
    facts = importer.facts()
    assert {table: counts.inserted for table, counts in first.tables.items()} == facts
    again = importer(name)
    assert again.is_noop
    assert importer.facts() == facts
    assert importer.rows("select count(*) from finance.imports") == [(1,)]


@FORMATS
def test_every_cent_of_a_report_is_a_fact_or_not_for_sellers(importer: Importer, name: str) -> None:
    report = importer(name)
    kept = importer.rows(
        "select becomes, reason, sum(amount) from finance.import_totals group by 1, 2 order by 1, 2"
    )
    listed: dict[tuple[str, str | None], Decimal] = {}
    for row in report.row_types:
        key = (row.becomes, row.reason)
        listed[key] = listed.get(key, Decimal(0)) + Decimal(row.amount)
    assert {(becomes, reason): amount for becomes, reason, amount in kept} == listed
    assert all(
        (row.reason is None) == (row.becomes != "not for sellers") for row in report.row_types
    )


BALANCES = """
    select seller_id, sum(amount) from (
        select seller_id, round(gross_amount * coalesce(exchange_rate, 1), 2) as amount
        from marketplace.orders
        union all
        select f.seller_id, -round(f.amount * coalesce(o.exchange_rate, 1), 2)
        from marketplace.order_fees as f
        inner join marketplace.orders as o using (seller_id, order_id)
        union all
        select seller_id, case when reverses_refund_id is null then -amount else amount end
        from marketplace.refunds
        union all
        select d.seller_id, round(
            case d.event_type when 'opened' then -d.amount else d.amount end
            * coalesce(o.exchange_rate, 1), 2)
        from marketplace.dispute_events as d
        inner join marketplace.orders as o using (seller_id, order_id)
        union all
        select seller_id, -amount from marketplace.seller_charges
    ) as moves group by seller_id order by seller_id
"""


@pytest.mark.parametrize(
    ("name", "balances"),
    [
        # 100.00 less fees of 3.20, a refund that failed, and a transfer; 50.00 less 1.75 and 15.00.
        ("stripe", {"s1": "66.80", "s2": "33.25"}),
        # 100.00 - 1.60 - 20.00; 50 EUR at 1.1, less 1.00 and 7.50, a chargeback won.
        ("adyen", {"s1": "78.40", "s2": "46.50"}),
        # Two refunds in the same second are two; what is pending is left.
        ("shopify", {"s1": "76.80", "s2": "48.25"}),
        # 43.60 less withheld tax, commission, a refund of 10.90 and theirs; 50.00 - 7.50 + 12.00.
        ("amazon", {"s1": "25.20", "s2": "54.50"}),
        # 100.00 - 3.99 - 20.00 + 0.80; 50.00 - 2.24 and charged back.
        ("paypal", {"s1": "76.81", "s2": "-2.24"}),
        # 1,100.00 - 38.89 - 20.00 + 0.70; 50.00 - 2.24 and charged back; what is pending is left.
        ("paypal-activity", {"s1": "1041.81", "s2": "-2.24"}),
    ],
)
def test_balances_are_what_the_report_says(
    importer: Importer, name: str, balances: dict[str, str]
) -> None:
    importer(name)
    assert {seller: str(amount) for seller, amount in importer.rows(BALANCES)} == balances


def test_marketplace_bears_the_fees_on_demand(importer: Importer) -> None:
    report = importer("stripe", fees="marketplace")
    assert "order_fees" not in importer.facts()
    assert {
        (row.row_type, row.amount)
        for row in report.row_types
        if row.reason == "the processor's fee, which the marketplace bears"
    } == {("charge", "-4.95"), ("dispute", "-15.00")}


def test_tax_is_the_sellers_whoever_bears_the_fees(importer: Importer) -> None:
    importer("amazon", fees="marketplace")
    assert importer.rows("select distinct fee_type from marketplace.order_fees") == [("tax",)]


def test_tables_of_ones_own_are_left_alone(importer: Importer) -> None:
    importer.connection.execute(
        "insert into marketplace.orders values"
        " ('ch_1', 'c', 's1', 'USD', 100, null, '2026-11-01'),"
        " ('ch_2', 'c', 's2', 'USD', 50, null, '2026-11-01')"
    )
    report = importer("stripe", without=("orders",))
    assert "orders" not in report.tables
    assert importer.facts()["orders"] == 2
    assert report.tables["order_fees"] == TableCounts(inserted=3)


@pytest.mark.parametrize(
    ("name", "old", "new", "line"),
    [
        (
            "adyen",
            ",USD,100.00,,,,,,,,214",
            ",USD,100.01,,,,,,,,214",
            "broken: batch 214 in USD, paid out and carried over: the report says 121.01, and its"
            " rows come to 121.00; export it again, whole",
        ),
        (
            "amazon",
            "\t64.75\t",
            "\t64.57\t",
            "broken: settlement 18906543210: the report says 64.57, and its rows come to 64.75;"
            " export it again, whole",
        ),
        (
            "paypal",
            '"SF","USD",15000,12000,80,623',
            '"SF","USD",15000,12000,80,632',
            "broken: fees debited in USD: the report says 6.32, and its rows come to 6.23; export"
            " it again, whole",
        ),
        (
            "paypal-activity",
            '"-50.00","0.00","-50.00",',
            '"-50.00","0.00","-50.01",',
            "broken: column Net in USD: the report says 719.56, and its rows come to 719.57; export"
            " it again, whole",
        ),
        (
            "stripe",
            ",-20.00,0.00,-20.00,refund,",
            ",-20.00,0.00,-20.01,refund,",
            "broken: column net in USD: the report says 98.04, and its rows come to 98.05; export"
            " it again, whole",
        ),
        (
            "shopify",
            ",100.00,3.20,96.80,",
            ",100.00,3.20,96.81,",
            "broken: column Net in USD: the report says 152.89, and its rows come to 152.88; export"
            " it again, whole",
        ),
    ],
)
def test_broken_total_loads_nothing(
    importer: Importer, name: str, old: str, new: str, line: str
) -> None:
    text = SAMPLES[name].read_text(encoding="utf-8-sig")
    assert old in text
    assert importer.refused(name, importer.file("broken", text.replace(old, new))) == [line]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("stripe", "txn_2,"),
        ("shopify", "#1002"),
        ("amazon", "RefundCommission"),
        ("paypal-activity", "Chargeback Fee"),
    ],
)
def test_missing_row_loads_nothing(importer: Importer, name: str, row: str) -> None:
    lines = SAMPLES[name].read_text().splitlines(keepends=True)
    kept = importer.file("short", "".join(line for line in lines if row not in line))
    assert any("its rows come to" in line for line in importer.refused(name, kept))


def test_total_of_another_report_is_named(importer: Importer) -> None:
    summary = importer.file(
        "summary.csv", "reporting_category,currency,gross,fee,net\ncharge,eur,1.00,0.00,1.00\n"
    )
    lines = importer.refused("stripe", totals=summary)
    assert (
        "stripe.csv: charge in EUR, net: the report says 1.00, and its rows come to 0; export it"
        " again, whole"
    ) in lines


def test_report_without_a_total_asks_for_it(importer: Importer) -> None:
    with pytest.raises(SettleError) as error:
        importer("stripe", totals=None)
    assert str(error.value) == (
        "Stripe, payout reconciliation or balance change from activity, itemized, has no total of"
        " its own: give --totals FILE, the summary of the same interval"
        " (payout_reconciliation.summary, balance_change_from_activity.summary)"
    )
