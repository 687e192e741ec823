"""Before the go-live: what would be paid, beside what the old system pays."""

from pathlib import Path
from typing import Annotated, Any

import typer

from orchestrator.cli.options import (
    WEEK_PANEL,
    WINDOW,
    Json,
    plain_console,
    print_json,
    read,
    ready,
    say,
    table_of,
    text_of,
)
from orchestrator.errors import SettleError

SHOWN = 20
WEEKS = {
    "payout_window": "window",
    "sellers": "sellers",
    "equal": "equal",
    "explained": "explained",
    "unexplained": "unexplained",
    "old_total": "old system",
    "our_total": "here",
    "difference": "difference",
}
DIFFERING = {
    "seller_id": "seller",
    "old_amount": "old system",
    "our_amount": "here",
    "difference": "difference",
    "explanation": "why",
    "hold_reason": "held for",
}
MONEY = ("old_total", "our_total", "old_amount", "our_amount", "difference", "total")


def register(app: typer.Typer) -> None:
    """Add the verb of this module; `settle go-live rehearse` is one of the group's."""
    app.command(rich_help_panel=WEEK_PANEL)(shadow)


def shadow(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="CSV files named like 2026-W46.csv.")
    ],
    as_json: Json = False,
) -> None:
    """Shadow weeks: how far each week is from what the old system paid, and why.

    Each file is one week's payouts of the old system (seller_id, amount). What became available
    here in that week is compared, as the latest build has it. Nothing is closed or paid.
    """
    from orchestrator.dbt.builds import LIVE_SCHEMA
    from orchestrator.settlement.old_system import compare_payouts

    given: dict[str, str] = {}
    for file in files:
        window = WINDOW.checked(file.stem)
        if window in given:
            raise SettleError(f"two files are named {file.name}: each week has one")
        given[window] = text_of(file)
    weeks = compare_payouts(ready(), given, LIVE_SCHEMA)
    if as_json:
        print_json(weeks)
        return
    plain_console().print(table_of(weeks, WEEKS, right=[*WEEKS][1:]))
    for week in weeks:
        _show_differing(week)


def rehearse(
    compare: Annotated[
        Path | None,
        typer.Option(help="The old system's payouts of the window: a CSV of seller_id, amount."),
    ] = None,
    as_json: Json = False,
) -> None:
    """What the go-live that waits would do: what it leaves to the old system, what it pays first.

    Builds as if it were approved, into schemas of their own (asof_settlement), as of the end of its
    window, or of now. Nothing is decided.
    """
    from orchestrator.dbt.builds import AS_OF_SCHEMA, build_as_of
    from orchestrator.settlement.check_wallets import check_new_wallets
    from orchestrator.settlement.old_system import compare_payouts

    text = text_of(compare) if compare else None
    settings = ready()
    waiting = [row for row in read("decisions/go_lives") if row["state"] == "open"]
    if not waiting:
        raise SettleError("no go-live waits for approval: settle go-live WINDOW proposes one")
    [bounds] = read("go_live/bounds", window=waiting[0]["payout_window"])
    check_new_wallets(settings)
    build_as_of(settings, bounds["as_of"], None, rehearses_go_live=True)
    [found] = read("go_live/rehearsal")
    document: dict[str, Any] = found["rehearsal"]
    if text is not None:
        files = {document["payout_window"]: text}
        [document["comparison"]] = compare_payouts(settings, files, AS_OF_SCHEMA, has_carried=True)
    if as_json:
        print_json(document)
    else:
        _show_rehearsal(document)


def _show_rehearsal(document: dict[str, Any]) -> None:
    console, pays = plain_console(), document["pays"]
    by_now = "" if document["is_closed"] else ", which is still open: as it is by now"
    console.print(f"Go-live with {document['payout_window']}{by_now}", style="bold")
    for key, title, columns in (
        ("settled_elsewhere", "Settled elsewhere", ("entry_type", "entries", "total")),
        ("holds", "Held", ("reason", "seller_count", "total")),
    ):
        if document[key]:
            names = {name: name.replace("_", " ") for name in columns}
            right = ("entries", "seller_count", "total")
            console.print(table_of(document[key], names, right=right, title=title), end="\n\n")
    say(
        f"It would pay {pays['line_count']} sellers {pays['total']} {document['currency']};"
        f" {pays['carried_in']} of what is owed ({pays['net']}) is carried in."
    )
    if "comparison" in document:
        console.print(table_of([document["comparison"]], WEEKS, right=[*WEEKS][1:]))
        _show_differing(document["comparison"])


def _show_differing(week: dict[str, Any]) -> None:
    differing = week["differing"]
    if differing:
        title = f"\n{week['payout_window']}: who differs ({len(differing)})"
        table = table_of(differing[:SHOWN], DIFFERING, right=MONEY, title=title)
        plain_console().print(table)
