"""Bad usage of finance's verbs: exit 2 before anything is touched."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from orchestrator.cli import app_of

NO_AMOUNT = "is not an amount; write it like 12.50 or -3.00"
NO_AMOUNTS = ("1.005", "nan", "1e3", "1,50", ".5", "5.", "+5", "-x", "9" * 14, "\u0663")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        *((f"adjust enter s1 {amount} --as ana --note n", NO_AMOUNT) for amount in NO_AMOUNTS),
        ("adjust enter s1 0.00 --as ana --note n", "an adjustment of 0 changes nothing"),
        ("adjust enter s1 -0 --as ana --note n", "an adjustment of 0 changes nothing"),
        ("adjust enter s1 5.00 --as ana --note=", "the note is empty"),
        ("adjust enter s1 5.00 --nte n --as ana", "extra argument(s) (--nte n)"),
        ("adjust approve 0 --as ana", "'0' is not an id; it is a whole number from 1"),
        ("adjust approve one --as ana", "'one' is not an id"),
        (f"adjust approve {2**63} --as ana", "is not an id"),
        ("policy propose maximum_line -1.00 --as ana --note n", "'-1.00' is below 0"),
        (
            "policy propose minimum 1.00 --as ana --note n",
            "'minimum' is not one of the limits: dual_approval_above, maximum_line",
        ),
        ("block \u00a0 --as ana --note n", "the wallet is empty"),
        ("pause --as ana", "Missing option '--note'"),
        ("resume --note n", "Missing option '--as'"),
        ("block --as ana --note n", "give WALLET --note, or --file --note"),
        ("accept 2026-W54 unusual_total --as ana --note n", "'2026-W54' is not an ISO week"),
        ("resolve 2026-W46 --as ana --note n", "add --rejected"),
        ("resolve 2026-W46 s1 --as ana --note n", "say one of --failed"),
        ("resolve 2026-W46 s1 --failed --returned --as ana --note n", "say one of --failed"),
        ("export 2026-W46 --to /nowhere/at/all", "does not exist"),
        ("export archive", "say --year to write an archive, or --check to compare one"),
        ("export archive --year 2025 --check /", "say --year to write an archive, or --check"),
        ("export archive --year 99", "should be greater than or equal to 2000"),
        ("export journal", "Missing option '--month'"),
        ("export 2026-W54", "'2026-W54' is not an ISO week"),
        ("breaks shut 1", "No such command 'shut'"),
        ("adjust enter s1 5.00 --as ana --note n", "set SETTLE_PASSWORD"),
    ],
)
def test_bad_usage(arguments: str, why: str, tmp_path: Path) -> None:
    runner = CliRunner(env={"SETTLE_HOME": str(tmp_path / "home"), "SETTLE_PASSWORD": None})
    verb, *others = arguments.split(" ")
    answer = runner.invoke(app_of(verb), [verb, *others])
    said = " ".join(answer.output.replace("│", " ").split())
    assert answer.exit_code == 2, said
    assert why in said
    assert not (tmp_path / "home").exists()
