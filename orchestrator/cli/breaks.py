"""Breaks between our books and the rail's, and alerts."""

from typing import Annotated

import typer

from orchestrator.cli.decisions import command_of
from orchestrator.cli.options import (
    OPERATIONS_PANEL,
    Json,
    plain_console,
    print_json,
    read,
    say,
    table_of,
)
from orchestrator.decisions.decisions import DECISIONS

All = Annotated[bool, typer.Option("--all", help="Include closed ones.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    breaks = typer.Typer(invoke_without_command=True)
    breaks.callback()(breaks_of_all)
    breaks.command("list")(breaks_list)
    breaks.command("close")(command_of(DECISIONS["close-break"]))
    app.add_typer(breaks, name="breaks", rich_help_panel=OPERATIONS_PANEL)
    app.command(rich_help_panel=OPERATIONS_PANEL)(alerts)


def breaks_of_all(context: typer.Context, show_all: All = False, as_json: Json = False) -> None:
    """Differences between our books and the rail's; without a verb, the open ones."""
    if context.invoked_subcommand is None:
        breaks_list(show_all, as_json)


def breaks_list(show_all: All = False, as_json: Json = False) -> None:
    """The open breaks with their age, oldest first."""
    found = read("reconciliation/breaks", all=show_all)
    if as_json:
        print_json(found)
        return
    if not found:
        say("No break." if show_all else "No break is open.")
        return
    columns = {"break_id": "id", "age": "age", "kind": "kind", "detail": "what differs"}
    closed = {"closed_by": "closed by", "close_note": "note"} if show_all else {}
    plain_console().print(table_of(found, columns | closed))


def alerts(as_json: Json = False) -> None:
    """The latest 50 alerts, newest first."""
    found = read("reconciliation/alerts")
    if as_json:
        print_json(found)
        return
    if not found:
        say("No alert.")
        return
    columns = {"raised_at": "raised", "kind": "kind", "subject": "about", "message": "what"}
    plain_console().print(table_of(found, columns))
