"""`settle held`: who is held in a window, with the figures that a person decides by."""

import csv
import io
import sys
from typing import Annotated, Any

import typer

from orchestrator.cli.options import (
    WEEK_PANEL,
    Json,
    Window,
    plain_console,
    print_json,
    read,
    say,
    table_of,
)
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import visible
from orchestrator.formatting.csv_export import safe_cell

# What `settle release --file` compares with.
FILE_COLUMNS = {
    "seller": "seller_id",
    "held_for": "held_for",
    "wallet_now": "wallet",
    "hold_id": "hold",
}
COLUMNS = {
    "seller": "seller",
    "held_for": "held for",
    "net": "net",
    "new": "new",
    "new_before": "last week",
    "flagged_for": "flagged for",
    "score": "score",
    "score_before": "last week",
    "disputes_pct": "disputes %",
    "disputes_pct_before": "last week",
}
NUMBERS = ("net", "new", "new_before", "score", "score_before", "disputes_pct", "sellers", "amount")
SORTS = ("net", "change", "score", "disputes", "refunds", "spike", "seller")


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=WEEK_PANEL)(held)


def _sort(value: str) -> str:
    if value not in SORTS:
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(SORTS)}")
    return value


def held(
    window: Window,
    reason: Annotated[
        str,
        typer.Option(
            help="One reason, or: releasable (by a person), flagged (at the close), all.",
        ),
    ] = "releasable",
    sort: Annotated[
        str, typer.Option(callback=_sort, help=f"The largest first: {', '.join(SORTS)}.")
    ] = "net",
    as_csv: Annotated[
        bool, typer.Option("--csv", help="As the file that settle release --file takes.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Who is held in a window, what flagged them, and the week before beside it.

    Of one reason that a person may release it shows the digest that settle release --reason takes.
    """
    named = {"window": window, "reason": reason}
    reasons = read("window/held_reasons", **named)
    if reason not in [row["reason"] for row in reasons]:
        found = ", ".join(row["reason"] for row in reasons)
        raise SettleError(f"no seller is held in {window} for {reason}: there is {found}")
    rows = read("window/held", **named, sort=sort, limit=None)
    digest = next(row["digest"] for row in reasons if row["reason"] == reason)
    if as_json:
        print_json({"reason": reason, "digest": digest, "sellers": rows})
    elif as_csv:
        _write_csv(rows)
    else:
        titles = {"reason": "reason", "sellers": "sellers", "amount": "amount"}
        plain_console().print(table_of(reasons, titles, right=NUMBERS), end="\n\n")
        plain_console().print(table_of(rows, COLUMNS, right=(*NUMBERS, "disputes_pct_before")))
        if digest:
            say(f"\nsettle release {window} --reason {reason} --digest {digest}")


def _write_csv(rows: list[dict[str, Any]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FILE_COLUMNS.values())
    # Who is flagged and not held has nothing to be released from.
    writer.writerows(
        [safe_cell(row[name]) for name in FILE_COLUMNS] for row in rows if row["held_for"]
    )
    is_read = sys.stdout.isatty()  # by a person, and no program
    sys.stdout.write(visible(text.getvalue(), keep="\n") if is_read else text.getvalue())
