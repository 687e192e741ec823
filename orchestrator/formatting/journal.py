"""A month's double entries as a file for the accountant; books/journal.sql has what is in it."""

import csv
import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import IO, Any

from orchestrator.errors import SettleError
from orchestrator.formatting.csv_export import safe_cell

MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
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


class Journal:
    """One month of the rows of books/journal.sql.

    Raises SettleError where nothing is built, and for a month that a close yet to come can change
    unless `is_so_far`: then it is as it is by now, under another name.
    """

    def __init__(self, month: str, found: Sequence[dict[str, Any]], *, is_so_far: bool) -> None:
        if not found:
            raise SettleError("nothing is built yet; run: settle build")
        [first, *_] = found
        if first["can_change"] and not is_so_far:
            raise SettleError(
                f"{month} can change until window {first['last_window']} is closed, which has its"
                f" last instant in {first['settlement_timezone']}: say --so-far to have it as it is"
                " by now"
            )
        # One row without an entry where the month has none.
        self.entries = [row for row in found if row["journal_month"]]
        self.name = f"journal-{month}-so-far" if first["can_change"] else f"journal-{month}"

    def write(self, format_: Format, stream: IO[str]) -> None:
        """Raises SettleError for an account that the format cannot name."""
        writers = {Format.CSV: _write_csv, Format.BEANCOUNT: _write_beancount}
        writers[format_](stream, self.entries)


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
                f"account '{row['account']}' is not a name that beancount takes, such as"
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
