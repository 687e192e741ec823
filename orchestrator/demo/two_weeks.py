"""What the demo's weeks would have been with two weeks of reserve."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from orchestrator.errors import SettleError
from orchestrator.services.processes import process

POLICY = """# What is tried; settle backtest --show prints all that risk can decide.
policy: two weeks
reserve_policies:
  - {policy: standard, reserve_days: 14, holdback_percent: 0, holdback_days: 0}
"""
VERDICT = (
    "With two weeks of reserve from {first} to {last}, losses to disputes would have been"
    " {losses[0]:,} {currency} instead of {losses[1]:,}, and the money kept from sellers, times"
    " days, {kept[0]:,} instead of {kept[1]:,}. Charts, and what these figures do not tell:"
    " {charts}"
)


@contextmanager
def two_weeks_tried(home: Path, environment: Mapping[str, str]) -> Iterator[Callable[[], str]]:
    """Try it against the live policy in a process of its own, as `settle backtest` does.

    What it yields waits for the end, and says what came of it and where the charts are. The policy
    is a file of the home, to change and try again.
    """
    file, charts, log = (home / f"two-weeks.{kind}" for kind in ("yml", "html", "log"))
    if not file.exists():
        file.write_text(POLICY, encoding="utf-8")
    files = ["--policy", str(file), "--html", str(charts)]
    command = [sys.executable, "-m", "orchestrator", "backtest", *files, "--json"]
    with process(command, environment, log, stdout=subprocess.PIPE) as running:

        def verdict() -> str:
            told, _ = running.communicate()
            if running.returncode:
                raise SettleError(f"the backtest of the demo failed; see {log}")
            return _in_words(json.loads(told), charts)

        yield verdict


def _in_words(report: Mapping[str, Any], charts: Path) -> str:
    sides = {
        row["measure"]: (Decimal(row["tried"]), Decimal(row["against"]))
        for row in report["totals"]
        if row["measure"] in ("losses", "kept_money_days")
    }
    return VERDICT.format(
        first=report["from"],
        last=report["to"],
        currency=report["currency"],
        losses=sides["losses"],
        kept=sides["kept_money_days"],
        charts=charts,
    )
