"""`settle export`: a file that holds what its name says, and nothing that a spreadsheet runs."""

import csv
import io
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
