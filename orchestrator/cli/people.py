"""What a person decides, under their own name: approve, hold, block, pause, accept, resolve."""

from typing import Annotated

import typer

from orchestrator.cli.options import (
    As,
    Note,
    Window,
    decide,
    password_of,
    read_in,
    ready,
)
from orchestrator.database.connection import connect_as, rows


def _wallet(value: str) -> str:
    if not value.strip():
        raise typer.BadParameter("the wallet is empty; give its address")
    return value


Wallet = Annotated[str, typer.Argument(callback=_wallet, help="The address, to the letter.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (approve, revoke, hold, release, block, unblock, pause, resume, accept, resolve):
        app.command()(verb)


def approve(
    window: Window,
    name: As,
    digest: Annotated[str, typer.Option(help="The digest you reviewed.")],
) -> None:
    """Approve exactly what you saw, under your own name."""
    decide(name, "select finance.approve(%s, %s)", window, digest)
    print(f"{name} approved {window}, digest {digest}.")


def revoke(window: Window, name: As) -> None:
    """Take your approval back, until the batch is frozen."""
    row = decide(name, "select finance.revoke_approval(%s) as is_revoked", window)
    print(
        f"{name} {'revoked the approval of' if row['is_revoked'] else 'had not approved'} {window}."
    )


def hold(seller: str, name: As, note: Note) -> None:
    """Hold a seller's payouts until somebody releases them."""
    row = decide(name, "select finance.hold_seller(%s, %s) as is_new", seller, note)
    print(f"{seller} is held." if row["is_new"] else f"{seller} was held before.")


def release(window: Window, seller: str, name: As, note: Note) -> None:
    """Release what holds a seller in one window, where a person may."""
    row = decide(name, "select finance.release_hold(%s, %s, %s) as reason", window, seller, note)
    print(f"{seller} is released from {row['reason']} in {window}.")


def block(wallet: Wallet, name: As, note: Note) -> None:
    """Pay nothing to a wallet, whoever names it, until another person lifts the block."""
    row = decide(
        name,
        "select finance.block_wallet(%s, %s) as is_new,"
        " exists (select from finance.wallet_checks where wallet_address = %s) as is_seen",
        *(wallet, note, wallet),
    )
    unseen = "" if row["is_seen"] else " No seller has ever named it: mind the spelling."
    print(f"Wallet {wallet} {'is blocked' if row['is_new'] else 'was blocked before'}.{unseen}")


def unblock(wallet: Wallet, name: As, note: Note) -> None:
    """Lift the block of a wallet that somebody else set."""
    decide(name, "select finance.unblock_wallet(%s, %s)", wallet, note)
    print(f"Wallet {wallet} is no longer blocked.")


def pause(name: As, note: Note) -> None:
    """Stop every payout at once: nothing is frozen, no call is made."""
    decide(name, "select finance.pause_payouts(%s)", note)
    print(f"{name} paused payouts: nothing is frozen or sent until two people resume them.")


def resume(name: As, note: Note) -> None:
    """Say that payouts may go on; it takes two people."""
    row = decide(name, "select finance.resume_payouts(%s) as is_going", note)
    print(
        f"{name} resumed payouts: they go on."
        if row["is_going"]
        else f"{name} says payouts may go on; one more person must say so: settle resume."
    )


def accept(
    window: Window,
    check: Annotated[str, typer.Argument(help="Its name: settle checks lists them.")],
    name: As,
    note: Note,
) -> None:
    """Accept a failed check as it stands; at the second person it no longer stops the payout."""
    row = decide(name, "select finance.accept_check(%s, %s, %s) as people", window, check, note)
    print(
        f"{name} accepted {check} of {window}; one more person must accept it."
        if row["people"] < 2
        else f"{name} accepted {check} of {window}: it no longer stops the payout."
    )


def resolve(
    window: Window,
    name: As,
    note: Note,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="halfin, asked, does not have the batch.")
    ] = False,
) -> None:
    """Declare what came of a batch whose answer stays unknown; two people who have asked halfin."""
    if not rejected:
        raise typer.BadParameter(
            "add --rejected: that halfin does not have it. If it has it, run settle pay again"
        )
    password = password_of(name)
    with connect_as(ready(), name, password) as database:
        [said] = rows(database, "select finance.declare_rejected(%s, %s) as people", window, note)
        [batch] = read_in(database, "payout/resolution", window=window)
    if said["people"] < 2:
        print(
            f"{name} says halfin does not have the batch of {window};"
            " one more person who has asked must say so."
        )
    else:
        print(
            f"{said['people']} people say so: the batch of {window} is {batch['state']},"
            f" {batch['line_count']} lines ({batch['total']} {batch['currency']}) are their"
            " sellers' balance again."
        )
