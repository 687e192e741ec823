"""What a verb that only reads loads before it answers: people wait for it."""

import os
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from orchestrator.cli import VERBS
from orchestrator.config import PROJECT_ROOT
from tests.support.closed_week import NOW, WINDOW, closed_week

READING = (
    ["status"],
    ["review", WINDOW],
    ["held", WINDOW],
    ["sql", "select 1 as one"],
)
# A second or more together; whoever builds, pays or serves imports them where it does.
HEAVY = {
    *("dagster", "dagster_dbt", "dbt", "sqlglot", "sqlalchemy", "jinja2", "yoyo"),
    *("httpx", "starlette", "uvicorn", "solders", "eth_utils", "duckdb"),
}
# 500 on 30 November 2026, most of them of Python itself.
MOST_MODULES = 550
SCRIPT = f"""
import sys
from orchestrator.cli import main
for verb in {READING!r}:
    sys.argv = ["settle", *verb]
    try:
        main()
    except SystemExit as end:
        assert not end.code, verb
print(len(sys.modules), *sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def test_verbs_that_read_load_no_more_than_they_need() -> None:
    environment = {"SETTLE_HOME": str(closed_week().home), "SETTLE_NOW": NOW.isoformat()}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=PROJECT_ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    count, *modules = done.stdout.splitlines()[-1].split()
    assert HEAVY & set(modules) == set()
    assert int(count) <= MOST_MODULES


@pytest.mark.parametrize("module", VERBS)
def test_a_module_registers_the_verbs_that_are_said_to_be_its(module: str) -> None:
    """Or `settle VERB` would not know what `settle --help` lists."""
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(f"orchestrator.cli.{module}").register(app)
    group = typer.main.get_command(app)
    assert set(VERBS[module]) == set(group.commands)  # type: ignore[attr-defined]
