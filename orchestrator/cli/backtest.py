"""`settle backtest`: policies of risk, tried on history."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cli.options import (
    ANALYSTS_PANEL,
    Json,
    checked_window,
    plain_console,
    print_json,
    ready,
    say,
    table_of,
)
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import cell

if TYPE_CHECKING:
    from orchestrator.backtest.backtest import Report
    from orchestrator.backtest.policy import Policy
    from orchestrator.config import Settings


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=ANALYSTS_PANEL)(backtest)


GRID = {
    "policy": "policy",
    "losses": "losses",
    "absorbed": "absorbed",
    "kept_money_days": "money kept x days",
    "payouts_delayed": "payouts delayed",
    "rows_flagged": "rows flagged",
    "flag_precision": "precision",
    "flag_recall": "recall",
}
First = Annotated[
    str | None, typer.Option("--from", callback=checked_window, help="First window measured.")
]
Last = Annotated[
    str | None, typer.Option("--to", callback=checked_window, help="Last window; the latest close.")
]


def backtest(
    policy: Annotated[Path | None, typer.Option(help="The policy file to try.")] = None,
    against: Annotated[Path | None, typer.Option(help="Another one; default: live.")] = None,
    first: First = None,
    last: Last = None,
    grid: Annotated[
        list[str] | None,
        typer.Option(help="Vary a number of the file: review_score=40,50; twice for two."),
    ] = None,
    html: Annotated[
        Path | None, typer.Option(help="Write the report with its charts to this file, too.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the live policy as a file.")] = False,
    as_json: Json = False,
) -> None:
    """What a policy of risk would have saved and held, had it been in force in all past weeks."""
    from orchestrator.backtest.backtest import backtest as run_backtest
    from orchestrator.backtest.grid import combinations
    from orchestrator.backtest.live_policy import live_policy
    from orchestrator.backtest.page import page
    from orchestrator.backtest.policy_file import read_policy, written

    if show == (policy is not None):
        raise typer.BadParameter("give --policy FILE to try one, or --show to print the live one")
    if grid and (against or html):
        raise typer.BadParameter("--grid goes with neither --against nor --html")
    settings = ready()
    live = live_policy(settings)
    if policy is None:
        say(written(live).rstrip("\n"))
        return
    tried = read_policy(policy, live)
    if grid:
        _try_grid(settings, combinations(tried, grid), first, last, as_json=as_json)
        return
    other = read_policy(against, live) if against else live
    report = run_backtest(settings, tried, other, first=first, last=last)
    if html:
        try:
            html.write_text(page(report), encoding="utf-8")
        except OSError as error:
            raise SettleError(f"{html} cannot be written: {error.strerror}") from None
    if as_json:
        print_json(document(report))
    else:
        show_report(report)


def _try_grid(
    settings: "Settings",
    policies: "Sequence[Policy]",
    first: str | None,
    last: str | None,
    *,
    as_json: bool,
) -> None:
    from orchestrator.backtest.backtest import LIMITS, backtest_grid

    found = backtest_grid(settings, policies, first=first, last=last)
    if as_json:
        print_json({"policies": found, "limits": LIMITS})
        return
    rows = [{name: _figure(row[name]) for name in GRID} for row in found]
    console = plain_console()
    console.print(table_of(rows, GRID, right=[name for name in GRID if name != "policy"]))
    for limit in LIMITS:
        console.print(f"- {limit}")


def document(report: "Report") -> dict[str, Any]:
    """What --json prints: money and shares as decimals, windows by their labels."""
    return {
        "tried": report.tried,
        "against": report.against,
        "from": report.first,
        "to": report.last,
        "currency": report.currency,
        "totals": report.totals,
        "weeks": report.weeks,
        "delays": report.delays,
        "limits": report.limits,
    }


def show_report(report: "Report") -> None:
    """The totals side by side, then what they do not tell."""
    columns = {"meaning": f"{report.first} to {report.last}", "tried": report.tried}
    if report.against:
        columns |= {"against": report.against, "difference": "difference"}
    rows = [{name: _figure(row[name]) for name in columns} for row in report.totals]
    console = plain_console()
    console.print(table_of(rows, columns, right=("tried", "against", "difference")))
    console.print(f"\nMoney is in {report.currency}. What these figures do not tell:")
    for limit in report.limits:
        console.print(f"- {limit}")


def _figure(value: Any) -> str:
    return value if isinstance(value, str) else cell(value)
