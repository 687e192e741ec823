"""`settle export`: files for others that nothing reads back: a window's lines, a month, a year."""

import csv
from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli import archive, journal
from orchestrator.cli.options import WEEK_PANEL, ImpliedVerb, Window, read, say
from orchestrator.cli.whole_file import whole_file
from orchestrator.errors import SettleError
from orchestrator.formatting.csv_export import safe_cell


class WindowFirst(ImpliedVerb):
    """`settle export 2026-W47` writes the lines of a window."""

    implied = "window"


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    export = typer.Typer(
        no_args_is_help=True,
        cls=WindowFirst,
        help="Files: a window's lines (export WINDOW), a month's journal, a year's archive.",
    )
    export.command("window")(export_window)
    export.command("journal")(journal.journal)
    export.command("archive")(archive.archive)
    app.add_typer(export, name="export", rich_help_panel=WEEK_PANEL)


def export_window(
    window: Window,
    to: Annotated[
        Path, typer.Option(exists=True, file_okay=False, writable=True, help="Where it goes.")
    ] = Path("."),
    run: Annotated[
        int | None, typer.Option(min=1, help="A run of the window; without it, the current one.")
    ] = None,
) -> None:
    """Write the lines of a window's run that would be paid, or were frozen, to a CSV file.

    Its name holds the digest that names exactly these lines; nothing reads it back. What a
    spreadsheet would take for a formula (= + - @ at the start of a cell that is no number, or
    behind a semicolon, a tab or a line end in it) gets an apostrophe in front.
    """
    found = read("window/export", window=window, run=run)
    if not found and run is not None:
        raise SettleError(
            f"window {window} has no run {run} with lines: settle status {window} --json lists them"
        )
    if not found:
        raise SettleError(
            f"window {window} has no digest: its close is not stored, or its amounts have moved"
            " on; settle status lists the latest"
        )
    digest = found[0]["digest"]
    columns = [name for name in found[0] if name != "digest"]
    # One row of nulls where the window has no line.
    lines = [[row[name] for name in columns] for row in found if row["seller_id"] is not None]
    file = to / f"settlement-{window}-{digest[:12]}.csv"
    with whole_file(file) as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows([safe_cell(value) for value in line] for line in lines)
    say(str(file))
