"""`settle import`, `settle doctor` and `settle map` at a prompt: exit codes, messages, JSON."""

import json
from pathlib import Path

import pytest

from orchestrator.config import Settings
from tests.support.shell import Shell, ShellInProcess

REPORTS = Path(__file__).parents[1] / "data" / "reports"
STRIPE = ("import", "stripe", str(REPORTS / "stripe.csv"))
TOTALS = ("--totals", str(REPORTS / "stripe_summary.csv"))
SELLERS = """\
seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,updated_at
s1,One,EU,no,,active,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z
s2,Two,EU,no,,active,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z
"""


@pytest.fixture(scope="module")
def settle(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """With two sellers."""
    shell = ShellInProcess(settings.home, SETTLE_NOW="2026-11-30T12:00:00Z")
    folder = tmp_path_factory.mktemp("sellers")
    (folder / "sellers.csv").write_text(SELLERS)
    shell.done("load", str(folder))
    return shell


def test_a_report_is_rehearsed_imported_and_known(settle: Shell) -> None:
    rehearsed = settle.done(*STRIPE, *TOTALS, "--fees", "seller", "--dry-run")
    assert rehearsed.endswith("nothing was stored: this was a dry run\n")
    imported = json.loads(settle.done(*STRIPE, *TOTALS, "--fees", "seller", "--json"))
    assert imported["tables"]["orders"]["inserted"] == 2
    assert {
        "file": "stripe.csv",
        "row_type": "fee",
        "becomes": "not for sellers",
        "amount": "-2.00",
    }.items() <= next(row for row in imported["row_types"] if row["row_type"] == "fee").items()
    assert "orders: 0 new, 2 known already" in settle.done(*STRIPE, *TOTALS, "--fees", "seller")


def test_who_bears_the_fees_has_to_be_said(settle: Shell) -> None:
    assert "Missing option '--fees'" in settle.misused(*STRIPE, *TOTALS)


def test_an_unknown_format_names_the_known_ones(settle: Shell) -> None:
    assert settle.refused("import", "strype", STRIPE[2], "--fees", "seller") == (
        "strype is not a format; use one of adyen, amazon, paypal, paypal-activity, shopify, stripe"
    )


def test_the_doctor_ends_with_1_where_there_is_an_error(settle: Shell, tmp_path: Path) -> None:
    (tmp_path / "sellers.csv").write_text(SELLERS)
    answer = settle("doctor", str(tmp_path))
    assert (answer.code, answer.out) == (
        1,
        "error: orders: there is no file orders.csv\nsellers: 2 rows\n1 error, 0 warnings\n",
    )
    found = json.loads(settle("doctor", str(tmp_path), "--json").out)
    assert (found["errors"], found["findings"][0]["source"]) == (1, "orders")


def test_a_warning_fails_only_who_is_strict(settle: Shell, tmp_path: Path) -> None:
    (tmp_path / "sellers.csv").write_text(SELLERS)
    (tmp_path / "orders.csv").write_text(
        "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at\n"
        "o1,c1,s1,USD,10.50,2026-12-05T09:30:00Z\n"
    )
    said = settle.done("doctor", str(tmp_path))
    assert "warning: orders.ordered_at: was a time zone lost? Rows have yet to happen" in said
    assert said.endswith("which has not ended\n0 errors, 1 warning\n")
    assert settle("doctor", str(tmp_path), "--strict").code == 1
    assert "name files or a schema" in settle.misused("doctor", ".", "--schema", "mapping")


def test_a_mapping_is_written_applied_and_looked_at(settle: Shell, tmp_path: Path) -> None:
    folder = str(tmp_path / "mapping")
    assert f"settle map apply {folder}" in settle.done("map", "init", folder)
    assert "is there already" in settle.refused("map", "init", folder)
    assert settle.done("map", "apply", folder).count(".sql") == 7
    assert settle.done("doctor", "--schema", "mapping").endswith("0 errors, 0 warnings\n")
