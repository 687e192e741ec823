"""`settle blocks`: the wallets that nothing is paid to."""

import typer

from orchestrator.cli.options import (
    DECISIONS_PANEL,
    Json,
    plain_console,
    print_json,
    read,
    say,
    table_of,
)


def register(app: typer.Typer) -> None:
    """Add the verb of this module."""
    app.command(rich_help_panel=DECISIONS_PANEL)(blocks)


def blocks(as_json: Json = False) -> None:
    """The wallets that are blocked, latest first: by whom, when, why, and who names them now."""
    found = read("decisions/wallet_blocks", limit=None)
    if as_json:
        print_json(found)
        return
    if not found:
        say("No wallet is blocked.")
        return
    columns = {"wallet": "wallet", "sellers": "sellers", "note": "note"}
    columns |= {"blocked_by": "blocked by", "blocked_at": "blocked"}
    plain_console().print(table_of(found, columns))
