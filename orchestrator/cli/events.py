"""What sellers and the backend are told: the outbox, and the program that posts it."""

import signal
import threading
from enum import StrEnum
from typing import Annotated

import typer

from orchestrator.cli.options import (
    OPERATIONS_PANEL,
    Json,
    checked_window,
    plain_console,
    print_json,
    read,
    ready,
    say,
    table_of,
)
from orchestrator.config import Component
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError

SHOWN = 50


class State(StrEnum):
    """Where an event stands."""

    WAITING = "waiting"
    POSTED = "posted"
    GIVEN_UP = "given_up"


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command(rich_help_panel=OPERATIONS_PANEL)(events)
    app.command(rich_help_panel=OPERATIONS_PANEL)(post_events)


def events(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of events, msg_...")] = None,
    seller: Annotated[str | None, typer.Option(help="Only this seller's.")] = None,
    window: Annotated[
        str | None, typer.Option(callback=checked_window, help="Only of this window.")
    ] = None,
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None,
    replay: Annotated[
        bool, typer.Option("--replay", help="Have all of these posted again, under the same ids.")
    ] = False,
    as_json: Json = False,
) -> None:
    """The latest 50 events of the outbox, newest first, or those that are named."""
    named = {"ids": ids or None, "seller": seller, "window": window, "state": state}
    if replay and not any(named.values()):
        raise typer.BadParameter("say which: ids, --seller, --window or --state given_up")
    found = read("events/list", **named, most=None if replay or ids else SHOWN)
    known = {event["event_id"] for event in found}
    # Those that are missing only because of another option are not a mistake.
    if ids and not (seller or window or state) and (unknown := [i for i in ids if i not in known]):
        raise SettleError(f"event {unknown[0]} is not known: see settle events")
    if replay:
        with connect(ready(), Component.ORCHESTRATOR) as database:
            query = "select finance.replay_events(%s) as events"
            [replayed] = rows(database, query, [event["event_id"] for event in found])
        say(f"{replayed['events']} events are posted again.")
    elif as_json:
        print_json(found)
    elif not found:
        say("No event.")
    else:
        columns = {"recorded_at": "recorded", "event_type": "what", "seller_id": "seller"}
        columns |= {"sequence": "no.", "payout_window": "window", "state": "state"}
        columns |= {"attempts": "attempts", "last_problem": "last problem", "event_id": "id"}
        plain_console().print(table_of(found, columns, right=("sequence", "attempts")))


def post_events(
    once: Annotated[bool, typer.Option("--once", help="What is due now, then end.")] = False,
) -> None:
    """Post events to SETTLE_EVENTS_URL as they happen, until Ctrl-C."""
    from orchestrator.events.endpoint import Endpoint
    from orchestrator.events.poster import post_until, post_waiting

    settings = ready()
    if once:
        with Endpoint(settings) as endpoint:
            posted = post_waiting(settings, endpoint)
        if posted.problems:
            first, *others = posted.problems
            raise SettleError(
                f"{first}{f', nor were {len(others)} others' if others else ''}; {posted.taken}"
                " were; what is left stays and is posted again later, in order: mend the receiver"
                " at SETTLE_EVENTS_URL, or that address (redirects are not followed)"
            )
        say(f"{posted.taken} events were taken.")
        return
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    say(f"Events are posted to {settings.events_url or 'nowhere'}")
    post_until(settings, stopped.wait)
