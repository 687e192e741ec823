"""What finance reads before and after it approves: review, checks, status."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console

from orchestrator.cli.options import (
    WEEK_PANEL,
    Json,
    Window,
    checked_window,
    plain_console,
    print_json,
    read,
    ready,
    table_of,
)
from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, rows_of
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import cell

# What fits on 80 columns; --json has the rest.
STATUS_COLUMNS = {
    "payout_window": "window",
    "state": "state",
    "ready": "ready",
    "submitted": "at rail",
    "paid": "paid",
    "failed": "failed",
    "held": "held",
    "paid_amount": "paid amount",
    "net": "net",
}
RUN_COLUMNS = {
    "payout_window": "window",
    "run": "run",
    "state": "state",
    "line_count": "lines",
    "total": "total",
}
SHOWN = 15
PARTS = ("gross", "fees", "taxes", "refunds", "disputes", "charges", "adjustments")
NUMBERS = (
    *PARTS,
    "without_effect",
    "total",
    "net",
    "line_count",
    "seller_count",
    "count",
    "came_back",
    "tries",
)
# Title, key in the document, columns.
TABLES = (
    ("New this week", "new_by_type", PARTS),
    ("By rail", "by_rail", ("rail", "line_count", "total")),
    ("Held", "holds", ("reason", "seller_count", "total")),
    (
        "Another wallet than last time",
        "changed_wallets",
        ("seller", "rail", "net", "paid_last", "pays_now"),
    ),
    ("Flagged", "flagged", ("seller_id", "health_score", "review_reasons", "net", "status")),
    ("Released", "releases", ("seller_id", "reason", "released_by", "note")),
    ("Data exceptions", "exceptions", ("reason", "count", "without_effect")),
    ("Failed checks", "failed_checks", ("check_name", "detail", "accepted_by")),
    (
        "Approvals",
        "approval_history",
        ("run", "approved_by", "approved_at", "digest", "is_current", "revoked_by", "revoked_at"),
    ),
    ("Runs", "runs", ("run", "batch_id", "state", "line_count", "total", "frozen_at")),
    ("Left out at the freeze", "left_out", ("seller_id", "net", "reason")),
    ("Open breaks", "breaks", ("break_id", "kind", "detail")),
)
BATCH_TABLES = (
    ("Calls", "calls", ("sequence", "state", "line_count", "tries", "rail_batch_id")),
    ("Outcomes so far", "outcomes", ("state", "line_count", "total", "came_back")),
)


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (review, checks, status):
        app.command(rich_help_panel=WEEK_PANEL)(verb)


def read_review(settings: Settings, window: str) -> dict[str, Any]:
    """The review document of a window; raises SettleError where there is none."""
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        # One snapshot, so that the digest and its approvals belong together.
        database.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        [positions] = rows_of(database, "window/positions", window=window, limit=None)
        document = {
            key: positions[key] for key in ("digest", "currency", "line_count", "obstacles")
        }
        document["total"] = str(positions["total"])
        for query in ("window/review", "window/decisions", "payout/review"):
            found = rows_of(
                database, query, window=window, run=positions["run"], covering=positions["covering"]
            )
            if not found:
                raise _no_window(database, window)
            document |= found[0]["review"]
        refused = rows_of(database, "payout/refused", window=window)
        document["refused"] = {**refused[0], "total": str(refused[0]["total"])} if refused else None
        document["changed_wallets"] = [
            {**row, "net": str(row["net"])} for row in positions["changed_wallets"]
        ]
    return document


def _no_window(database: psycopg.Connection[Any], window: str) -> SettleError:
    [bounds] = rows(
        database,
        "select min(payout_window) as first, max(payout_window) as last from settlement.windows",
    )
    return SettleError(
        f"window {window} does not exist:"
        f" there are those from {bounds['first']} to {bounds['last']}"
    )


def review(window: Window, as_json: Json = False) -> None:
    """Totals, holds and the digest to review before approving, and the outcomes after.

    Of the current run; earlier runs of the window are listed.
    """
    document = read_review(ready(), window)
    if as_json:
        print_json(document)
    else:
        show_review(plain_console(), document)


def show_review(console: Console, document: dict[str, Any]) -> None:
    """The document as a person reads it; of long lists the beginning."""
    currency = document["currency"] or ""
    run = f"  run {document['run']}" if document["run"] > 1 else ""
    console.print(f"{document['payout_window']}{run}  {document['state']}", style="bold")
    console.print(
        f"{document['line_count']} lines, {document['total']} {currency};"
        f" new this week {document['new']}, last week {document['new_last_week'] or 'none'}"
    )
    opening = Decimal(document["opening_balances"])
    if opening:
        console.print(f"{opening:,} {currency} carried in from the old system")
    if document["posted_late"]:
        console.print(
            f"{document['posted_late']} facts came after the close that they belonged to and count"
            " in this window; nobody has to do anything"
        )
    history = [{**a, "digest": a["digest"][:12]} for a in document["approval_history"]]
    shown = document | {"approval_history": history, "new_by_type": [document["new_by_type"]]}
    _show_tables(console, shown, TABLES)
    batch = document["batch"]
    if batch:
        console.print(
            f"Batch {batch['batch_id']}, run {batch['run']}, attempt {batch['attempt']}:"
            f" {batch['state']},"
            f" {batch['line_count']} lines, {batch['total']} {currency},"
            f" frozen at {batch['frozen_at']}"
        )
        if batch["note"]:
            console.print(f"- {cell(batch['note'])}", soft_wrap=True)
        _show_tables(console, batch, BATCH_TABLES)
    console.print(f"digest {document['digest'] or 'none'}")
    rest = document["refused"]
    if rest:
        console.print(
            f"- without the {len(rest['sellers'])} sellers that the rail refused:"
            f" {rest['line_count']} lines, {rest['total']} {rest['currency']}:"
            f" settle approve-rest {document['payout_window']} --digest {rest['digest']}",
            soft_wrap=True,
        )
    for line in dict.fromkeys([document["pause"], *document["obstacles"]]):
        if line:
            console.print(f"- {cell(line)}", soft_wrap=True)


def _show_tables(
    console: Console, document: dict[str, Any], tables: Sequence[tuple[str, str, Sequence[str]]]
) -> None:
    for title, key, columns in tables:
        found = document[key]
        if found:
            heading = title if key == "new_by_type" else f"{title} ({len(found)})"
            names = {column: column for column in columns}
            console.print(table_of(found[:SHOWN], names, right=NUMBERS, title=heading))


def checks(window: Window, as_json: Json = False) -> None:
    """The data checks of a window: passed, failed, or accepted and by whom."""
    found = read("window/checks", window=window)
    if not found:
        raise SettleError(f"window {window} does not exist: settle status lists the latest")
    if as_json:
        print_json(found)
        return
    columns = {"check_name": "check", "state": "state", "accepted_by": "accepted by"}
    plain_console().print(table_of(found, columns | {"detail": "detail"}))


def status(
    window: Annotated[
        str | None,
        typer.Argument(callback=checked_window, help="An ISO week; default: the latest."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The state of the latest windows, and the runs of a window that has more than one."""
    found = read("window/status", window=window)
    if window is not None and not found:
        raise SettleError(f"window {window} does not exist: settle status lists the latest")
    if as_json:
        print_json(found)
        return
    right = [name for name in STATUS_COLUMNS if name not in ("payout_window", "state")]
    console = plain_console()
    console.print(table_of(found, STATUS_COLUMNS, right=right))
    runs = [
        {"payout_window": row["payout_window"], **run}
        for row in found
        if len(row["runs"]) > 1
        for run in row["runs"]
    ]
    if runs:
        console.print(table_of(runs, RUN_COLUMNS, right=("run", "line_count", "total")))
