"""`settle backtest`: policies of risk, tried on history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

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
from orchestrator.cli.whole_file import whole_file
from orchestrator.formatting.cells import cell

if TYPE_CHECKING:
    from orchestrator.backtest.report import GridReport, Report


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=ANALYSTS_PANEL)(backtest)


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
    from orchestrator.backtest.backtest import backtest_grid
    from orchestrator.backtest.live_policy import live_policy
    from orchestrator.backtest.page import page
    from orchestrator.backtest.policy_file import read_policy, written

    if show == (policy is not None):
        raise typer.BadParameter("give --policy FILE to try one, or --show to print the live one")
    if grid and against:
        raise typer.BadParameter("--grid goes without --against")
    settings = ready()
    live = live_policy(settings)
    if policy is None:
        say(written(live).rstrip("\n"))
        return
    tried = read_policy(policy, live)
    report: Report | GridReport
    if grid:
        report = backtest_grid(settings, tried, grid, first=first, last=last)
    else:
        other = read_policy(against, live) if against else live
        report = run_backtest(settings, tried, other, first=first, last=last)
    if html:
        with whole_file(html) as stream:
            stream.write(page(report))
    if as_json:
        print_json(report.document)
    else:
        show_report(report)


def show_report(report: "Report | GridReport") -> None:
    """The policies side by side or one below the other, then what the figures do not tell."""
    from orchestrator.backtest.report import Report

    console = plain_console()
    console.print(_side_by_side(report) if isinstance(report, Report) else _grid(report))
    console.print(f"\nMoney is in {report.currency}. What these figures do not tell:")
    for limit in report.limits:
        console.print(f"- {limit}")


def _side_by_side(report: "Report") -> Table:
    columns = {"meaning": f"{report.first} to {report.last}", "tried": report.tried}
    if report.against:
        columns |= {"against": report.against, "difference": "difference"}
    rows = [{name: _figure(row[name]) for name in columns} for row in report.totals]
    return table_of(rows, columns, right=("tried", "against", "difference"))


def _grid(report: "GridReport") -> Table:
    from orchestrator.backtest.report import GRID_MEASURES

    columns = {"policy": "policy", "is_on_frontier": "frontier", **GRID_MEASURES}
    rows = [{name: _figure(row[name]) for name in columns} for row in report.policies]
    return table_of(rows, columns, right=list(GRID_MEASURES))


def _figure(value: Any) -> str:
    return value if isinstance(value, str) else cell(value)
