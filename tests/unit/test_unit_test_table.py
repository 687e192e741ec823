"""What a person reads when a unit test of a model fails."""

from pathlib import Path
from types import SimpleNamespace

import daff
import pytest
from dbt.task import test as dbt_test

from orchestrator import cli
from orchestrator.dbt.runner import NodeResult, differing_rows, failure_line
from orchestrator.dbt.unit_tests import differences
from orchestrator.errors import SettleError

Rows = list[list[object]]
HEADER: list[object] = ["seller_id", "amount_minor", "note"]


def rendered(expected: Rows, actual: Rows) -> str:
    """The text that dbt itself makes of a difference."""
    runner = SimpleNamespace(config=SimpleNamespace(args=SimpleNamespace(use_colors=True)))
    tables = [daff.PythonTableView([HEADER, *rows]) for rows in (expected, actual)]
    flags = daff.CompareFlags()
    flags.ordered = False
    diff = daff.TableDiff(daff.Coopy.compareTables(*tables, flags).align(), flags)
    table = dbt_test.TestRunner._render_daff_diff(runner, diff)  # type: ignore[arg-type]
    return f"\n\nactual differs from expected:\n\n{table}\n"


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        (
            [["s1", 500, "a, b"], ["s2", 7, "x"]],
            [["s1", 1600, "a, b"], ["s2", 7, "x"]],
            [
                "          seller_id  amount_minor  note",
                'expected  s1         500           "a, b"',
                'actual    s1         1600          "a, b"',
            ],
        ),
        (
            [["s1", 5, "x"], ["s2", 7, "y"]],
            [["s1", 5, "x"]],
            ["          seller_id  amount_minor  note", "expected  s2         7             y"],
        ),
        (
            [["s1", 5, "x"]],
            [["s1", 5, "x"], ["s2", 7, "y"]],
            ["        seller_id  amount_minor  note", "actual  s2         7             y"],
        ),
    ],
)
def test_rows_that_differ_stand_under_each_other(
    expected: Rows, actual: Rows, lines: list[str]
) -> None:
    assert differences(rendered(expected, actual)) == "\n".join(lines)


def test_another_message_is_no_table() -> None:
    assert differences("Got 3 results, configured to fail if != 0") is None


def test_a_failed_unit_test_is_named_with_its_model_and_shown(tmp_path: Path) -> None:
    message = rendered([["s1", 5, "x"]], [["s1", 6, "x"]])
    nodes = [NodeResult("unit_test.settle.windows.no_orders", "fail", message, 0.0, None, 1)]
    log = tmp_path / "dbt.log"
    assert failure_line("build", nodes, log) == (
        f"dbt build: 1 failed, first windows.no_orders: its rows differ; see {log}"
    )
    name, *table = differing_rows(nodes).splitlines()
    assert name == "windows.no_orders"
    assert [line.split()[0] for line in table[1:]] == ["expected", "actual"]


def test_the_command_line_prints_the_table_below_its_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise SettleError("one\nline", detail="a\nb")

    monkeypatch.setattr(cli, "app_of", fail)
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err == "settle: one line\n\na\nb\n"
