"""`settle export`: files that hold what their names say, and nothing that a
spreadsheet runs."""

import csv
import io
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from orchestrator.cli.export import safe_cell
from orchestrator.config import Component
from tests.cli.people import Desk, exported, open_desk, partly_paid_desk
from tests.support.closed_week import OPEN_WINDOW, SECOND, WINDOW, WINDOW_BEFORE


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk()


def test_export_matches_the_digest_in_its_name(desk: Desk, tmp_path: Path) -> None:
    document = desk.json("review", WINDOW)
    path = desk.settle.done("export", WINDOW, "--to", str(tmp_path)).rstrip("\n")
    file = tmp_path / f"settlement-{WINDOW}-{document['digest'][:12]}.csv"
    assert (Path(path), list(tmp_path.iterdir())) == (file, [file])
    digest, found = exported(file)
    assert (digest, len(found)) == (document["digest"], document["line_count"])
    assert {row["status"] for row in found} == {"ready"}
    first_eight = "seller_id,payout_window,gross,fees,refunds,net,rail,status,"
    assert file.read_text().startswith(first_eight)

    moved_on = "has no digest: its close is not stored, or its amounts have moved on"
    for window in (WINDOW_BEFORE, OPEN_WINDOW, "2026-W10"):
        assert moved_on in desk.settle.refused("export", window, "--to", str(tmp_path))
    file.unlink()
    file.mkdir()
    said = desk.settle.refused("export", WINDOW, "--to", str(tmp_path))
    assert said.endswith("cannot be written (Is a directory): nothing is there")
    assert list(tmp_path.iterdir()) == [file]


def test_each_run_is_exported_under_its_own_digest(tmp_path: Path) -> None:
    desk = partly_paid_desk()
    export = ("export", WINDOW, "--to", str(tmp_path))
    frozen = "select digest, line_count from finance.payout_batches"
    [batch] = desk.rows(Component.ORCHESTRATOR, frozen)
    [left_out] = desk.rows(Component.ORCHESTRATOR, "select * from finance.batch_left_out")
    first = desk.settle.done(*export).rstrip("\n")
    assert desk.settle.done(*export, "--run", "1").rstrip("\n") == first
    digest, lines = exported(Path(first))
    assert (digest, len(lines)) == (batch["digest"], batch["line_count"])
    missing = f"window {WINDOW} has no run 2 with lines: settle status {WINDOW} --json lists them"
    assert desk.settle.refused(*export, "--run", "2") == missing
    # Whoever was held is released: another run, and the first one stays what it was.
    desk.done(SECOND, "release", WINDOW, left_out["seller_id"], "--note", "answered")
    second = desk.settle.done(*export).rstrip("\n")
    digest, lines = exported(Path(second))
    assert [(row["seller_id"], row["run"]) for row in lines] == [(left_out["seller_id"], "2")]
    assert digest == desk.digest() != batch["digest"]
    assert desk.settle.done(*export, "--run", "2").rstrip("\n") == second
    assert desk.settle.done(*export, "--run", "1").rstrip("\n") == first
    assert exported(Path(first))[0] == batch["digest"]


def test_a_month_of_the_journal_is_a_file_that_balances_and_that_beancount_takes(
    desk: Desk, tmp_path: Path
) -> None:
    journal = ("export", "journal", "--to", str(tmp_path), "--month")
    assert "'2026-13' is not a month; write it like 2026-11" in desk.settle.misused(
        *journal, "2026-13"
    )
    file = Path(desk.settle.done(*journal, "2026-10").rstrip("\n"))
    assert file == tmp_path / "journal-2026-10.csv"
    with file.open(newline="") as stream:
        entries = list(csv.DictReader(stream))
    assert {row["booked_on"] for row in entries} == {"2026-10-31"}
    assert sum(Decimal(row["debit"]) - Decimal(row["credit"]) for row in entries) == 0
    assert {row["kind"] for row in entries} >= {"order", "fee", "tax", "refund", "reserve"}
    commission = [row for row in entries if row["account"] == "Income:Commission"]
    assert {row["detail"] for row in commission} == {"commission", "commission_refund"}
    assert {row["kind"] for row in entries if row["detail"] == "tax"} == {"tax"}

    # W46 is stored: what becomes available on the last of November is not yet known.
    said = desk.settle.refused(*journal, "2026-11")
    assert said == (
        "2026-11 can change until window 2026-W49 is closed, which has its last instant in UTC:"
        " say --so-far to have it as it is by now"
    )
    so_far = (*journal, "2026-11", "--so-far", "--format", "beancount")
    files = [
        Path(desk.settle.done(*journal, "2026-10", "--format", "beancount").rstrip("\n")),
        Path(desk.settle.done(*so_far).rstrip("\n")),
    ]
    assert [file.name for file in files] == [
        "journal-2026-10.beancount",
        "journal-2026-11-so-far.beancount",
    ]
    assert files[0].read_text().count(" USD\n") == len(entries)
    both = tmp_path / "both.beancount"
    plugin = 'plugin "beancount.plugins.auto_accounts"\n'
    both.write_text(plugin + "".join(f'include "{file.name}"\n' for file in files))
    for ledger in (*files, both):
        assert bean_check(ledger) == (0, "")
    # It is the check that finds what does not balance.
    text = files[0].read_text()
    files[0].write_text(text.replace(".", ".0", 1))
    assert bean_check(files[0])[0] == 1


def bean_check(ledger: Path) -> tuple[int, str]:
    """How beancount's own program ends, and what it says."""
    program = Path(sys.executable).with_name("bean-check")
    run = subprocess.run([program, ledger], capture_output=True, text=True, check=False)
    return run.returncode, run.stdout + run.stderr


def test_a_journal_of_accounts_with_other_names_is_csv_alone(desk: Desk, tmp_path: Path) -> None:
    rename = (
        "update settlement_seeds.journal_accounts set debit_account = '4711'"
        " where kind = 'fee' and detail = 'commission' returning kind"
    )
    journal = ("export", "journal", "--month", "2026-10", "--to", str(tmp_path))
    assert desk.rows(Component.OWNER, rename) == [{"kind": "fee"}]
    said = desk.settle.refused(*journal, "--format", "beancount")
    assert said.startswith("account '4711' is not a name that beancount takes")
    assert list(tmp_path.iterdir()) == []
    assert ",4711," in Path(desk.settle.done(*journal).rstrip("\n")).read_text()


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t1", "'\t1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("a\n=1", "a\n'=1"),
        ("x;=1", "x;'=1"),
        ("x;-1+1", "x;'-1+1"),
        ('x; "=1"', 'x;\' "=1"'),
        ('"=1"', '\'"=1"'),
        (" =1", "' =1"),
        ("\xa0=1", "'\xa0=1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-1+1", "'-1+1"),
        ("-3.00", "-3.00"),
        ("seller-1", "seller-1"),
        ("late; see note", "late; see note"),
        ("1,000 - 3 = 997", "1,000 - 3 = 997"),
        (None, ""),
    ],
)
def test_formulas_are_escaped_in_csv_cells(value: str | None, cell: str) -> None:
    assert safe_cell(value) == cell


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    "text", ["=1", "x;=1", 'x;"=1', 'x;""=1', '"=1', '";=1', "x\n=1", "x\t=1", 'a,"";\t=1', "' ;=1"]
)
def test_no_cell_is_a_formula_whatever_a_spreadsheet_splits_at(separator: str, text: str) -> None:
    """Python's reader takes quotes as spreadsheets do: at the start of a cell alone."""
    stream = io.StringIO()
    csv.writer(stream).writerow(["s1", safe_cell(text), "2.00"])
    written = io.StringIO(stream.getvalue(), newline="")
    cells = [cell for row in csv.reader(written, delimiter=separator) for cell in row]
    assert not [cell for cell in cells if cell.lstrip(' "').startswith("=")]
