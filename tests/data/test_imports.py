"""`settle import` against a real PostgreSQL: reports in the shapes that processors publish."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import FACTS
from orchestrator.loading.imports.formats import format_named, format_names
from orchestrator.loading.imports.options import ImportReport, Options
from orchestrator.loading.imports.run import import_reports
from orchestrator.loading.pipeline import LoadRefused, TableCounts

REPORTS = Path(__file__).parent / "reports"
BORNE_BY_SELLERS = Options(fees="seller")


class Importer:
    """Imports into an empty marketplace with two sellers; a file by its name or its text."""

    def __init__(self, connection: psycopg.Connection[Any], folder: Path) -> None:
        self.connection, self._folder = connection, folder
        for seller in ("s1", "s2"):
            connection.execute(
                "insert into marketplace.sellers values"
                " (%s, %s, 'EU', false, '', 'active', true, '2026-01-01', '2026-01-01')",
                (seller, seller),
            )

    def file(self, name: str, text: str | bytes) -> Path:
        path = self._folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def __call__(self, name: str, *files: Path, **said: Any) -> ImportReport:
        usual = replace(BORNE_BY_SELLERS, **USUAL.get(name, {}))
        return import_reports(
            self.connection, name, files or (SAMPLES[name],), replace(usual, **said)
        )

    def refused(self, name: str, *files: Path, **said: Any) -> list[str]:
        with pytest.raises(LoadRefused) as refusal:
            self(name, *files, **said)
        assert not self.facts()
        return refusal.value.lines

    def facts(self) -> dict[str, int]:
        counts = {s.table: self.rows(f"select count(*) from marketplace.{s.table}") for s in FACTS}
        return {table: count for table, [(count,)] in counts.items() if count}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(query.encode()).fetchall()


SAMPLES = {
    "adyen": REPORTS / "adyen.csv",
    "amazon": REPORTS / "amazon.txt",
    "paypal": REPORTS / "paypal.csv",
    "paypal-activity": REPORTS / "paypal_activity.csv",
    "shopify": REPORTS / "shopify.csv",
    "stripe": REPORTS / "stripe.csv",
}
USUAL: dict[str, dict[str, Any]] = {
    "amazon": {"sellers": REPORTS / "amazon_sellers.csv"},
    "paypal-activity": {"date_order": "mdy"},
    "shopify": {
        "totals": REPORTS / "shopify_payouts.csv",
        "sellers": REPORTS / "shopify_sellers.csv",
        "seller_from": "Order",
    },
    "stripe": {"totals": REPORTS / "stripe_summary.csv"},
}
FORMATS = pytest.mark.parametrize("name", sorted(SAMPLES))


@pytest.fixture
def importer(settings: Settings, tmp_path: Path) -> Iterator[Importer]:
    """In a transaction that is rolled back."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        yield Importer(connection, tmp_path)
        connection.rollback()


# ---- What each format becomes -------------------------------------------------------------------


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


# ---- Totals -------------------------------------------------------------------------------------


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


# ---- A history ----------------------------------------------------------------------------------

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


# ---- Overlaps -----------------------------------------------------------------------------------


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


# ---- How files are written ----------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_encodings(importer: Importer, encoding: str) -> None:
    text = SAMPLES["stripe"].read_text().replace("Mug", "Müg")
    path = importer.file("report.csv", text.encode(encoding))
    importer("stripe", path, encoding="cp1252" if encoding == "cp1252" else None)
    assert importer.facts()["orders"] == 2


def test_undeclared_encoding_is_one_line(importer: Importer) -> None:
    text = SAMPLES["stripe"].read_text().replace("Mug", "Müg")
    with pytest.raises(SettleError) as error:
        importer("stripe", importer.file("report.csv", text.encode("cp1252")))
    assert str(error.value) == "report.csv: is not utf-8; say --encoding, cp1252 for instance"


def test_decimal_commas_semicolons_and_thousands(importer: Importer) -> None:
    text = SAMPLES["adyen"].read_text().replace('"TX7001 batch 214, Bazaar"', "TX7001")
    text = text.replace(",", ";").replace(".", ",").replace(";100,00;", ";1.100,00;")
    text = text.replace(";98,40;", ";1.098,40;")
    path = importer.file("report.csv", text)
    lines = importer.refused("adyen", path)
    assert lines[0].startswith(
        "report.csv:2: Gross Credit (GC): '1.100,00' is not an amount; say --decimal-mark , if"
    )
    importer("adyen", path, decimal_mark=",")
    assert importer.rows("select gross_amount from marketplace.orders order by order_id") == [
        (Decimal(1100),),
        (Decimal(50),),
    ]


def test_naive_instants_need_a_zone_and_a_summer_one_is_kept(importer: Importer) -> None:
    text = SAMPLES["adyen"].read_text().replace(",CET,", ",,")
    path = importer.file("report.csv", text)
    assert importer.refused("adyen", path)[0] == (
        "report.csv:2: Creation Date: '2026-11-02 11:15:00' has no time zone; say --timezone,"
        " Europe/Berlin for instance"
    )
    skipped = importer.file("skipped.csv", text.replace("2026-11-02 11:15", "2026-03-29 02:30"))
    assert importer.refused("adyen", skipped, timezone="Europe/Berlin")[0] == (
        "skipped.csv:2: Creation Date: '2026-03-29 02:30:00' did not happen in Europe/Berlin, whose"
        " clock skipped it; is it another zone?"
    )
    assert importer.refused("adyen", path, timezone="Europe/Berlim")[0] == (
        "report.csv:2: Creation Date: '2026-11-02 11:15:00' has an unknown time zone,"
        " Europe/Berlim; say --timezone, Europe/Berlin for instance"
    )
    summer = importer.file("summer.csv", text.replace("2026-11-02 11:15", "2026-07-02 11:15"))
    importer("adyen", summer, timezone="Europe/Berlin")
    assert importer.rows(
        "select (ordered_at at time zone 'UTC')::text from marketplace.orders where order_id = 'o1'"
    ) == [("2026-07-02 09:15:00",)]


def test_dates_with_slashes_need_an_order(importer: Importer) -> None:
    name = "paypal-activity"
    assert importer.refused(name, date_order=None)[0] == (
        "paypal_activity.csv:2: Date and Time: '11/03/2026 02:15:00' may have the day first or the"
        " month; say --date-order dmy or mdy"
    )
    text = SAMPLES[name].read_text().replace('"11/03/', '"11/13/').replace('"02:15', '"2:15')
    path = importer.file("report.csv", text)
    assert importer.refused(name, path, date_order="dmy")[0].startswith(
        "report.csv:2: Date and Time: '11/13/2026 2:15:00' is not on the calendar"
    )
    importer(name, path)
    assert importer.rows(
        "select (ordered_at at time zone 'UTC')::text from marketplace.orders where order_id = 'o1'"
    ) == [("2026-11-13 10:15:00",)]


def test_running_balance_ties_whichever_row_is_first(importer: Importer) -> None:
    head, *rows = SAMPLES["paypal-activity"].read_text().splitlines(keepends=True)
    importer("paypal-activity", importer.file("report.csv", head + "".join(rows[::-1])))
    assert importer.facts()["orders"] == 2


def test_european_dates_of_amazon(importer: Importer) -> None:
    text = (
        SAMPLES["amazon"].read_text().replace("2026-11-03 05:23:19 UTC", "03.11.2026 05:23:19 UTC")
    )
    importer("amazon", importer.file("report.txt", text))
    assert importer.rows(
        "select distinct (ordered_at at time zone 'UTC')::text from marketplace.orders"
    ) == [("2026-11-03 05:23:19",)]


def test_minor_units_have_the_decimals_of_their_currency(importer: Importer) -> None:
    text = SAMPLES["paypal"].read_text(encoding="utf-8-sig").replace("USD", "KWD")
    lines = importer.refused(
        "paypal", importer.file("report.csv", text.replace("15000,", "15001,"))
    )
    assert (
        "report.csv: credits in KWD: the report says 15.001, and its rows come to 15.000"
        in lines[0]
    )


# ---- What is refused, and whose a row is --------------------------------------------------------


def test_row_without_a_seller_is_listed(importer: Importer) -> None:
    text = SAMPLES["stripe"].read_text().replace("pi_2,s2", "pi_2,").replace("pi_1,s1", "pi_1,s9")
    assert importer.refused("stripe", importer.file("report.csv", text))[:2] == [
        "report.csv:2: seller: 's9' is a seller that nobody knows; load the seller first, or map"
        " the key with --sellers",
        "report.csv:3: seller: the row names none, and its order is not known; say --seller-from"
        " COLUMN, or load the order first",
    ]


def test_order_of_several_sellers_is_not_guessed(importer: Importer) -> None:
    importer.connection.execute(
        "insert into marketplace.orders values"
        " ('ch_2', 'c', 's1', 'USD', 100, null, '2026-11-01'),"
        " ('ch_2', 'c', 's2', 'USD', 50, null, '2026-11-01')"
    )
    text = SAMPLES["stripe"].read_text().replace("pi_2,s2", "pi_2,")
    with pytest.raises(LoadRefused) as refusal:
        importer("stripe", importer.file("report.csv", text), without=("orders",))
    assert refusal.value.lines == [
        f"report.csv:{line}: seller: order 'ch_2' has several sellers and the row names none; say"
        " --seller-from"
        for line in (3, 5, 8)
    ]


def test_file_of_sellers_says_whose_and_nobodys(importer: Importer) -> None:
    keys = importer.file("keys.csv", "seller_key,seller_id,reason\ns*,s2,\ns1,,our own shop\n")
    report = importer("stripe", sellers=keys)
    assert importer.rows("select distinct seller_id from marketplace.orders") == [("s2",)]
    assert "our own shop" in {row.reason for row in report.row_types}
    lines = importer_lines(importer, keys)
    assert lines == ["keys.csv: 's*' is the key of several sellers; keep one row"]


def importer_lines(importer: Importer, keys: Path) -> list[str]:
    keys.write_text("seller_key,seller_id\ns*,s2\ns*,s1\n")
    with pytest.raises(SettleError) as error:
        importer("stripe", sellers=keys)
    return [str(error.value)]


def test_unknown_type_of_row_is_named(importer: Importer) -> None:
    text = SAMPLES["stripe"].read_text().replace(",fee,,Radar", ",mystery,,Radar")
    assert (
        "report.csv:6: type: 'mystery' is a type that the format does not know; add it to row_types"
        " in its manifest"
    ) in importer.refused("stripe", importer.file("report.csv", text))


def test_another_report_is_named_by_its_columns(importer: Importer) -> None:
    with pytest.raises(SettleError) as error:
        importer("stripe", SAMPLES["shopify"])
    assert str(error.value).startswith(
        "shopify.csv: has no column balance_transaction_id, created_utc, currency, gross, fee, net,"
        " reporting_category; export the report with it"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",re_1,Refund,", ",re\0_1,Refund,", "4: has a NUL character; remove it or fix the export"),
        (",re_1,Refund,", ",re_1,,,,,,,,,,,,Refund,", "4: has 30 fields instead of 19"),
    ],
)
def test_broken_record_is_one_line(importer: Importer, old: str, new: str, message: str) -> None:
    text = SAMPLES["stripe"].read_text()
    assert old in text
    lines = importer.refused("stripe", importer.file("report.csv", text.replace(old, new)))
    assert lines == [f"report.csv:{message}"]


def test_column_that_is_there_twice_is_refused(importer: Importer) -> None:
    text = SAMPLES["stripe"].read_text().replace(",description,", ",gross,")
    with pytest.raises(SettleError, match="column gross is there twice; keep one"):
        importer("stripe", importer.file("report.csv", text))


def test_balance_in_another_currency_is_refused(importer: Importer) -> None:
    text = SAMPLES["stripe"].read_text().replace(",usd,", ",eur,")
    summary = REPORTS.joinpath("stripe_summary.csv").read_text().replace(",usd,", ",eur,")
    lines = importer.refused(
        "stripe", importer.file("report.csv", text), totals=importer.file("summary.csv", summary)
    )
    assert lines[0] == (
        "report.csv:2: currency: 'EUR' is not USD, in which sellers are settled, and the report has"
        " no rate; load its orders from your own tables, with a rate each"
    )


def test_dry_run_stores_nothing(importer: Importer) -> None:
    report = importer("stripe", is_rehearsal=True)
    assert report.tables["orders"] == TableCounts(inserted=2)
    assert not importer.facts()
    assert importer.rows("select count(*) from finance.imports") == [(0,)]


def test_imports_are_kept_as_evidence(importer: Importer) -> None:
    importer("stripe")
    [(name, length, options)] = importer.rows(
        "select file_name, length(file_sha256), options::text from finance.imports"
    )
    assert (name, length) == ("stripe.csv", 32)
    assert json.loads(options)["fees"] == "seller"
    for table in ("imports", "import_totals"):
        with (
            pytest.raises(psycopg.errors.RaiseException, match="append-only"),
            importer.connection.transaction(),
        ):
            importer.connection.execute(f"delete from finance.{table}".encode())


def test_manifests_say_what_every_type_becomes() -> None:
    kinds = {
        "order",
        "refund",
        "refund_reversal",
        "dispute_opened",
        "dispute_won",
        "charge",
        "fee",
        "tax",
    }
    for name in format_names():
        for row_type, said in format_named(name).row_types.items():
            assert said in kinds or said.startswith("not for sellers: "), (name, row_type)
