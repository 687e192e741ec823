"""Verbs of the week: close, review, approve, revoke, hold, release, pay, reconcile, status."""

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from orchestrator.cli.shared import (
    As,
    Json,
    Window,
    checked_note,
    checked_window,
    password_of,
    plain_console,
    print_json,
    ready,
)
from orchestrator.config import Component
from orchestrator.database import connect, connect_as, rows, sql_file
from orchestrator.errors import SettleError
from orchestrator.partitions import partition_key

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


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (close, review, approve, revoke, hold, release, pay, reconcile, status):
        app.command()(verb)


def close(
    window: Annotated[
        str | None,
        typer.Argument(
            callback=checked_window, help="An ISO week; default: the latest closed one."
        ),
    ] = None,
) -> None:
    """Build and store the close of a window, with every earlier one that has none."""
    from orchestrator.close import latest_closed

    settings = ready()
    latest = latest_closed(settings)
    name = window or latest
    if partition_key(name) > partition_key(latest):
        raise SettleError(f"window {name} is still open: the latest closed one is {latest}")
    with connect(settings, Component.ORCHESTRATOR) as database:
        if rows(database, "select 1 from finance.window_closes where payout_window = %s", name):
            print(f"{name} was closed before.")
            return
    from orchestrator.run_job import run_job

    run_job(settings, "close", partition_key(name))
    print(f"Closed {name}.")


def read_review(settings: Any, window: str) -> dict[str, Any]:
    """The review document of a window; raises SettleError where there is none."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        found = database.execute(sql_file("review").encode(), {"window": window}).fetchone()
        bounds = rows(
            database,
            "select min(payout_window) as first, max(payout_window) as last"
            " from settlement.windows",
        )
    if found is None:
        raise SettleError(
            f"window {window} does not exist: the facts span"
            f" {bounds[0]['first']} to {bounds[0]['last']}"
        )
    document: dict[str, Any] = found[0]
    return document


def review(window: Window, as_json: Json = False) -> None:
    """What finance needs before it approves: totals, holds, flags, exceptions, the digest."""
    document = read_review(ready(), window)
    if as_json:
        print_json(document)
    else:
        _show_review(plain_console(), document)


def _show_review(console: Console, document: dict[str, Any]) -> None:
    currency = document["currency"] or ""
    console.print(f"{document['payout_window']}  {document['state']}", style="bold")
    console.print(
        f"{document['line_count']} lines, {document['total']} {currency};"
        f" new this week {document['new']}, last week {document['new_last_week'] or 'none'}"
    )
    for title, key, columns in (
        ("By rail", "by_rail", ("rail", "line_count", "total")),
        ("Held", "holds", ("reason", "seller_count", "total")),
        ("Flagged", "flagged", ("seller_id", "health_score", "review_reasons", "net", "status")),
        ("Data exceptions", "exceptions", ("reason", "count")),
        ("Approvals", "approvals", ("approved_by", "approved_at", "is_current")),
    ):
        shown = document[key][:15]
        if not shown:
            continue
        table = Table(title=f"{title} ({len(document[key])})", title_justify="left")
        for column in columns:
            table.add_column(column, justify="right" if column in ("total", "net") else "left")
        for row in shown:
            table.add_row(
                *(
                    ", ".join(row[c]) if isinstance(row[c], list) else str(row[c] or "")
                    for c in columns
                )
            )
        console.print(table)
    console.print(f"digest {document['digest'] or 'none'}")
    for obstacle in document["obstacles"]:
        console.print(f"- {obstacle}", soft_wrap=True)


def approve(
    window: Window,
    name: As,
    digest: Annotated[str, typer.Option(help="The digest you reviewed.")],
) -> None:
    """Approve exactly what you saw, under your own name."""
    password = password_of(name)
    with connect_as(ready(), name, password) as database:
        database.execute("select finance.approve(%s, %s)", [window, digest])
    print(f"{name} approved {window}, digest {digest}.")


def revoke(window: Window, name: As) -> None:
    """Take your approval back, until the batch is frozen."""
    password = password_of(name)
    with connect_as(ready(), name, password) as database:
        [row] = rows(database, "select finance.revoke_approval(%s) as is_revoked", window)
    print(
        f"{name} {'revoked the approval of' if row['is_revoked'] else 'had not approved'} {window}."
    )


Note = Annotated[str, typer.Option(callback=checked_note, help="Why; it stays readable for ever.")]


def hold(seller: str, name: As, note: Note) -> None:
    """Hold a seller's payouts until somebody releases them."""
    password = password_of(name)
    with connect_as(ready(), name, password) as database:
        database.execute("select finance.hold_seller(%s, %s)", [seller, note])
    print(f"{seller} is held.")


def release(window: Window, seller: str, name: As, note: Note) -> None:
    """Release what holds a seller in one window, where a person may."""
    password = password_of(name)
    with connect_as(ready(), name, password) as database:
        [row] = rows(
            database, "select finance.release_hold(%s, %s, %s) as reason", window, seller, note
        )
    print(f"{seller} is released from {row['reason']} in {window}.")


def pay(window: Window) -> None:
    """Freeze the approved lines and submit them, or resume; refuses without approval."""
    from orchestrator.pay import pay_window

    result = pay_window(ready(), window)
    print(
        f"The batch of {window} is {result.state}."
        if result.is_new
        else f"The batch of {window} is {result.state} already; nothing was left to send."
    )


def reconcile() -> None:
    """Ask the rail about lines without a certain outcome; failed money comes back here."""
    from orchestrator.pay import reconcile as ask

    print(f"{ask(ready())} lines got an outcome or came back.")


def status(
    window: Annotated[
        str | None,
        typer.Argument(callback=checked_window, help="An ISO week; default: the latest."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Where the latest windows stand."""
    settings = ready()
    with connect(settings, Component.ORCHESTRATOR) as database, database.cursor() as cursor:
        cursor.execute(sql_file("status").encode(), {"window": window})
        names = [column.name for column in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    if window is not None and not found:
        raise SettleError(f"window {window} does not exist: settle status lists the latest")
    if as_json:
        print_json(found)
        return
    table = Table(box=None, pad_edge=False)
    for name, title in STATUS_COLUMNS.items():
        table.add_column(title, justify="left" if name in ("payout_window", "state") else "right")
    for row in found:
        table.add_row(*(str(row[name]) for name in STATUS_COLUMNS))
    plain_console().print(table)
