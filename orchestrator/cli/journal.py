"""`settle export journal`: a month's double entries as a file for the accountant."""

from pathlib import Path
from typing import Annotated

import typer

from orchestrator.cli.options import read, say
from orchestrator.cli.whole_file import whole_file
from orchestrator.formatting.journal import MONTH, Format, Journal


def _checked(month: str) -> str:
    if not MONTH.fullmatch(month):
        raise typer.BadParameter(f"'{month}' is not a month; write it like 2026-11")
    return month


def journal(
    month: Annotated[str, typer.Option(callback=_checked, help="A month, like 2026-11.")],
    to: Annotated[
        Path, typer.Option(exists=True, file_okay=False, writable=True, help="Where it goes.")
    ] = Path("."),
    format_: Annotated[Format, typer.Option("--format", help="The kind of file.")] = Format.CSV,
    is_so_far: Annotated[
        bool, typer.Option("--so-far", help="A month that can still change, as it is by now.")
    ] = False,
) -> None:
    """Write the double entries of a calendar month to a file.

    One transaction for each window, kind and detail, booked on the last day of the month, as the
    latest build has it (settlement.journal_entries). The accounts are those of
    seeds/journal_accounts.csv. A month that a close yet to come can change is refused without
    --so-far. The console's page Books has the same files.
    """
    found = Journal(month, read("books/journal", month=month), is_so_far=is_so_far)
    file = to / f"{found.name}.{format_}"
    with whole_file(file) as stream:
        found.write(format_, stream)
    say(str(file))
