"""Verbs that move a window: close, pay, reconcile."""

from typing import Annotated

import typer

from orchestrator.cli.options import WEEK_PANEL, Window, checked_window, ready, say
from orchestrator.config import Component
from orchestrator.database.connection import connect, rows
from orchestrator.dbt.runner import without_collector
from orchestrator.errors import SettleError
from orchestrator.settlement.windows import partition_key


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (close, pay, reconcile):
        app.command(rich_help_panel=WEEK_PANEL)(verb)


def close(
    window: Annotated[
        str | None,
        typer.Argument(
            callback=checked_window, help="An ISO week; default: the latest that is over."
        ),
    ] = None,
) -> None:
    """Build and store the close of a window, with every earlier one that has none."""
    from orchestrator.settlement.close import latest_closed

    settings = ready()
    latest = latest_closed(settings)
    name = window or latest
    if partition_key(name) > partition_key(latest):
        raise SettleError(f"window {name} is still open: the latest that is over is {latest}")
    with connect(settings, Component.ORCHESTRATOR) as database:
        if rows(database, "select 1 from finance.window_closes where payout_window = %s", name):
            say(f"{name} was closed before.")
            return
    with without_collector(to_the_end=True):
        from orchestrator.services.run_job import run_job

        unmet = run_job(settings, "close", partition_key(name))
    say(f"Closed {name}.")
    if unmet:
        say(unmet)


def pay(window: Window) -> None:
    """Freeze the approved lines of the current run and submit them, or resume.

    Refuses without approval, and reads the rail's ledger before it freezes anything. Once a run is
    accepted, what became ready since is another run.
    """
    from orchestrator.settlement.pay import pay_window

    result = pay_window(ready(), window)
    say(
        f"The batch of {result.name} is {result.state}."
        if result.is_new
        else f"The batch of {result.name} is {result.state} already; nothing was left to send."
    )


def reconcile() -> None:
    """Look up lines without a certain outcome at the rail; credit back confirmed failures."""
    from orchestrator.settlement.reconcile import reconcile as ask

    say(f"{ask(ready())} lines got an outcome or came back.")
