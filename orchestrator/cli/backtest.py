"""`settle backtest`: policies of risk, tried on history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestrator.cells import cell
from orchestrator.cli.options import (
    ANALYSTS_PANEL,
    Json,
    checked_window,
    plain_console,
    print_json,
    ready,
    table_of,
)

if TYPE_CHECKING:
    from orchestrator.backtest.backtest import Report


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
    html: Annotated[
        Path | None, typer.Option(help="Write the report with its charts to this file, too.")
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the live policy as a file.")] = False,
    as_json: Json = False,
) -> None:
    """What a policy of risk would have saved and held, had it been in force in all past weeks."""
    from orchestrator.backtest.backtest import backtest as run_backtest
    from orchestrator.backtest.live_policy import live_policy
    from orchestrator.backtest.page import page
    from orchestrator.backtest.policy_file import read_policy, written

    if show == (policy is not None):
        raise typer.BadParameter("give --policy FILE to try one, or --show to print the live one")
    settings = ready()
    live = live_policy(settings)
    if policy is None:
        print(written(live), end="")
        return
    other = read_policy(against, live) if against else live
    report = run_backtest(settings, read_policy(policy, live), other, first=first, last=last)
    if html:
        html.write_text(page(report), encoding="utf-8")
    if as_json:
        print_json(_document(report))
    else:
        _show(report)


def _document(report: "Report") -> dict[str, Any]:
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


def _show(report: "Report") -> None:
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
