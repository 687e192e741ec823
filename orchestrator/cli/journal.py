"""`settle journal`: a month's double entries as a file for the accountant."""

import csv
import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from orchestrator.cli.options import ANALYSTS_PANEL, read, say
from orchestrator.cli.whole_file import whole_file
from orchestrator.errors import SettleError
from orchestrator.formatting.csv_export import safe_cell

COLUMNS = (
    *("journal_month", "booked_on", "payout_window", "kind", "detail", "account"),
    *("debit", "credit", "currency"),
)
TRANSACTION = itemgetter("payout_window", "kind", "detail")
# What beancount takes for an account.
ACCOUNT = re.compile(r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+")


class Format(StrEnum):
    """The kinds of file."""

    CSV = "csv"
    BEANCOUNT = "beancount"


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=ANALYSTS_PANEL)(journal)


def _checked(month: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", month):
        raise typer.BadParameter(f"'{month}' is not a month; write it like 2026-11")
    return month


def journal(
    month: Annotated[str, typer.Argument(callback=_checked, help="A month, like 2026-11.")],
    to: Annotated[
        Path, typer.Option(exists=True, file_okay=False, writable=True, help="Where it goes.")
    ] = Path("."),
    format_: Annotated[Format, typer.Option("--format", help="The kind of file.")] = Format.CSV,
    is_so_far: Annotated[
        bool, typer.Option("--so-far", help="A month that can still change, as it is by now.")
    ] = False,
) -> None:
    """Write the double entries of a calendar month to a file.

    One transaction for each window and kind, booked on the last day of the month, as the latest
    build has it (settlement.journal_entries). The accounts are those of seeds/journal_accounts.csv.
    A month that a close yet to come can change is refused without --so-far.
    """
    found = read("books/journal", month=month)
    if not found:
        raise SettleError("nothing is built yet; run: settle build")
    [first, *_] = found
    if first["can_change"] and not is_so_far:
        raise SettleError(
            f"{month} can change until window {first['last_window']} is closed, which has its last"
            f" instant in {first['settlement_timezone']}: say --so-far to have it as it is by now"
        )
    # One row without an entry where the month has none.
    entries = [row for row in found if row["journal_month"]]
    name = f"journal-{month}-so-far" if first["can_change"] else f"journal-{month}"
    file = to / f"{name}.{format_}"
    writers = {Format.CSV: _write_csv, Format.BEANCOUNT: _write_beancount}
    with whole_file(file) as stream:
        writers[format_](stream, entries)
    say(str(file))


def _write_csv(stream: IO[str], entries: Sequence[dict[str, Any]]) -> None:
    writer = csv.writer(stream)
    writer.writerow(COLUMNS)
    writer.writerows([safe_cell(row[name]) for name in COLUMNS] for row in entries)


def _write_beancount(stream: IO[str], entries: Sequence[dict[str, Any]]) -> None:
    # For the file alone: where months are included side by side, none can open the accounts of all.
    stream.write('plugin "beancount.plugins.auto_accounts"\n')
    for row in entries:
        if not ACCOUNT.fullmatch(row["account"]):
            raise SettleError(
                f"account '{row['account']}' is no name that beancount takes, such as"
                " Income:Charges: change seeds/journal_accounts.csv and build, or write it as csv"
            )
    for (window, kind, detail), sides in groupby(entries, TRANSACTION):
        rows = list(sides)
        narration = _quoted(f"{window} {kind} {detail}".rstrip())
        stream.write(
            f"\n{rows[0]['booked_on']} * {narration}\n"
            f"  payout_window: {_quoted(window)}\n"
            f"  kind: {_quoted(kind)}\n"
        )
        if detail:
            stream.write(f"  detail: {_quoted(detail)}\n")
        for row in rows:
            stream.write(f"  {row['account']}  {row['amount']} {row['currency']}\n")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
