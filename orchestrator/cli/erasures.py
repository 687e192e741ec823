"""Who was erased, and the proof of what was: `settle erase list` and `settle erase check`."""

from typing import Annotated

import typer

from orchestrator.cli.options import Json, plain_console, print_json, read, say, table_of
from orchestrator.config import load_settings
from orchestrator.decisions.erasure_key import seals_of
from orchestrator.errors import SettleError


def register(app: typer.Typer) -> None:
    """Add these to the group `settle erase`."""
    app.command("list")(erase_list)
    app.command("check")(check)


def erase_list(as_json: Json = False) -> None:
    """Whom somebody proposed to erase, and who was erased."""
    found = read("decisions/erasures")
    titles = {"seller_id": "seller", "state": "state", "proposed_by": "proposed by"}
    titles |= {"decided_by": "decided by", "decided_at": "at", "pseudonym": "name now"}
    if as_json:
        print_json(found)
    elif not found:
        say("Nobody was erased.")
    else:
        plain_console().print(table_of(found, titles | {"note": "why"}))


def check(
    seller: str,
    value: Annotated[str, typer.Argument(help="A wallet, transaction or digest, to the letter.")],
) -> None:
    """Where something of a seller stood before they were erased, by the erasure key."""
    pseudonym, seal = seals_of(load_settings(), seller, value)
    found = read("seller/erased", seller=seller, pseudonym=pseudonym, seal=seal)
    if not found:
        raise SettleError(
            f"nothing erased of {seller} was that, or SETTLE_ERASURE_KEY is another key than the"
            " erasure's"
        )
    plain_console().print(table_of(found, {"what": "what", "place": "where"}))
