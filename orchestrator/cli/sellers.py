"""What a seller asks about: statement, receipt, a link to their own pages."""

import time
from typing import Annotated, Any

import typer

from orchestrator.cli.options import (
    SELLERS_PANEL,
    Json,
    Window,
    plain_console,
    print_json,
    read,
    say,
    table_of,
)
from orchestrator.config import load_settings
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import cell
from orchestrator.web.portal.links import DAY_S, LONGEST_DAYS, link_secrets, make_token

SHOWN = 20
Seller = Annotated[str, typer.Argument(help="The seller's id.")]
PARTS = (
    *("gross", "fees", "taxes", "refunds", "disputes", "charges", "adjustments"),
    *("carried_forward", "net"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (statement, receipt, link):
        app.command(rich_help_panel=SELLERS_PANEL)(verb)


def statement(seller: Seller, as_json: Json = False) -> None:
    """What a seller has: pending and available, under way, paid, held, in reserve."""
    found = read("seller/statement", seller=seller)
    if not found:
        raise SettleError(f"seller {seller} is not known: no account and no entry has that id")
    document = found[0]["statement"]
    if as_json:
        print_json(document)
    else:
        _show_statement(document)


def _show_statement(document: dict[str, Any]) -> None:
    console = plain_console()
    name = cell(document["display_name"])
    console.print(f"{document['seller_id']}  {name}  as of {document['as_of']}", soft_wrap=True)
    console.print(
        f"pending {document['pending_balance']}   available {document['available_balance']}"
        f"   {document['currency'] or ''}",
        style="bold",
    )
    console.print(document["why_they_differ"])
    console.print(
        f"in transit {document['in_transit']}, paid out {document['paid_out']},"
        f" disputed {document['disputed_amount']}"
    )
    opening = document["opening_balance"]
    if opening:
        console.print(
            f"{opening['amount']} carried in from the old system with {opening['payout_window']}"
        )
    if document["next_release_at"]:
        console.print(
            f"next release {document['next_release_amount']} at {document['next_release_at']}"
        )
    for title, key, columns, right in (
        ("Held by", "holds", ("reason", "note", "held_by", "held_at"), ()),
        (
            "Payouts",
            "payouts",
            ("payout_window", "net", "rail", "status", "hold_reason", "failure_reason"),
            ("net",),
        ),
        ("What they are made of", "payouts", ("payout_window", *PARTS), PARTS),
        (
            "Orders in reserve",
            "orders_in_reserve",
            (
                *("order_id", "gross", "order_amount", "order_currency", "held_amount"),
                *("dispute_window_closes_at", "held_back", "held_back_until"),
            ),
            ("gross", "order_amount", "held_amount", "held_back"),
        ),
    ):
        found = document[key]
        if found:
            heading = f"{title} ({len(found)})"
            names = {column: column for column in columns}
            console.print(table_of(found[:SHOWN], names, right=right, title=heading))


def receipt(window: Window, seller: Seller, as_json: Json = False) -> None:
    """Every item that a seller's line pays, under the window it comes from."""
    [found] = read("seller/receipt", window=window, seller=seller)
    document = found["receipt"]
    if document is None:
        raise SettleError(
            f"seller {seller} has no line in {window}: nothing was frozen for them;"
            f" see settle statement {seller}"
        )
    if document["state"] == "rejected":
        raise SettleError(
            f"the line of {seller} in {window} was rejected with its batch: nothing was paid,"
            f" {document['amount']} {document['currency']} is their balance again"
        )
    if as_json:
        print_json(document)
    else:
        _show_receipt(document)


def link(
    seller: Seller,
    days: Annotated[
        int, typer.Option(min=1, max=LONGEST_DAYS, help="How long it is good for.")
    ] = 7,
) -> None:
    """Make a link to a seller's own pages: whoever has it sees them, until it expires."""
    if not read("seller/statement", seller=seller):
        raise SettleError(f"seller {seller} is not known: no account and no entry has that id")
    expires = int(time.time()) + days * DAY_S
    settings = load_settings()
    say(f"{settings.pages_url}/s/{make_token(seller, expires, link_secrets(settings)[0])}")


def _show_receipt(document: dict[str, Any]) -> None:
    console = plain_console()
    console.print(
        f"{document['seller_id']}  {document['payout_window']}  {document['amount']}"
        f" {document['currency']}  {document['state']}",
        style="bold",
    )
    console.print(f"{document['rail']} to {cell(document['wallet_address'])}", soft_wrap=True)
    if document["tx_hash"]:
        console.print(f"transaction {document['tx_hash']}", soft_wrap=True)
    if document["failure_reason"]:
        console.print(f"failed: {cell(document['failure_reason'])}", soft_wrap=True)
    types = ("entry_type", "count", "amount")
    console.print(
        table_of(
            document["by_type"], {name: name for name in types}, right=("count", "amount"),
            title="What it is made of",
        )
    )  # fmt: skip
    columns = ("occurred_at", "entry_type", "source_id", "order_id", "amount")
    for part in document["windows"]:
        carried = ", carried in" if part["is_carried_in"] else ""
        console.print(
            table_of(
                part["items"],
                {column: column for column in columns},
                right=("amount",),
                title=f"{part['entry_window']}{carried}: {part['total']}",
            )
        )
    console.print(f"total {document['total']} {document['currency']}", style="bold")
