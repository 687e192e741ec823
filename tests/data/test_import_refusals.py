"""What `settle import` refuses, and whose a row is."""

import json
from pathlib import Path

import psycopg
import pytest

from orchestrator.errors import SettleError
from orchestrator.loading.imports.formats import format_named, format_names
from orchestrator.loading.pipeline import LoadRefused, TableCounts
from tests.data.importer import REPORTS, SAMPLES, Importer


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
