"""What differs from the rail and what needs a person: breaks, alerts."""

from typing import Annotated

import typer

from orchestrator.cli.options import (
    As,
    Id,
    Json,
    Note,
    decide,
    plain_console,
    print_json,
    read,
    table_of,
)

All = Annotated[bool, typer.Option("--all", help="The closed ones too.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    breaks = typer.Typer(invoke_without_command=True)
    breaks.callback()(breaks_of_all)
    breaks.command("list")(breaks_list)
    breaks.command("close")(breaks_close)
    app.add_typer(breaks, name="breaks")
    app.command()(alerts)


def breaks_of_all(context: typer.Context, show_all: All = False, as_json: Json = False) -> None:
    """Where our books and the rail's differ; alone it lists what is open."""
    if context.invoked_subcommand is None:
        breaks_list(show_all, as_json)


def breaks_list(show_all: All = False, as_json: Json = False) -> None:
    """The open breaks with their age, oldest first."""
    found = read("reconciliation/breaks", all=show_all)
    if as_json:
        print_json(found)
        return
    if not found:
        print("No break." if show_all else "No break is open.")
        return
    columns = {"break_id": "id", "age": "age", "kind": "kind", "detail": "what differs"}
    closed = {"closed_by": "closed by", "close_note": "note"} if show_all else {}
    plain_console().print(table_of(found, columns | closed))


def breaks_close(break_id: Id, name: As, note: Note) -> None:
    """Close a break, with what was found."""
    decide(name, "select finance.close_break(%s, %s)", break_id, note)
    print(f"{name} closed break {break_id}.")


def alerts(as_json: Json = False) -> None:
    """The latest 50 alerts, newest first."""
    found = read("reconciliation/alerts")
    if as_json:
        print_json(found)
        return
    if not found:
        print("No alert.")
        return
    columns = {"raised_at": "raised", "kind": "kind", "subject": "about", "message": "what"}
    plain_console().print(table_of(found, columns))
