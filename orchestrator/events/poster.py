"""Posts events, oldest first: at least once each, a seller's one after another.

The database says what is due, and keeps each attempt before it is made; no transaction is open
while the receiver is asked. What it does not take waits longer each time, up to three days.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError
from orchestrator.events.endpoint import Endpoint
from orchestrator.formatting.cells import visible

IDLE_S = 1.0
LONGEST_PAUSE_S = 60.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Round:
    """What came of some events: claimed, taken, and whether the receiver takes anything now.

    `problems` has a text for each that was not taken: which event, and why.
    """

    claimed: int
    taken: int
    is_there: bool = True
    problems: tuple[str, ...] = ()


def post_waiting(settings: Settings, endpoint: Endpoint) -> Round:
    """Post what is due now; returns what came of all of it."""
    claimed, taken = 0, 0
    problems: tuple[str, ...] = ()
    with connect(settings, Component.ORCHESTRATOR, autocommit=True) as database:
        while (round_ := post_some(database, endpoint)).claimed:
            claimed, taken = claimed + round_.claimed, taken + round_.taken
            problems += round_.problems
            if not round_.is_there:
                break
    return Round(claimed, taken, round_.is_there, problems)


def post_until(settings: Settings, is_stopped: Callable[[float], bool]) -> None:
    """Post what is due until `is_stopped`, which waits for so many seconds before it answers.

    A receiver or a database that is away is asked again, at most a minute later. Raises SettleError
    where nothing can ever be posted: no address, no secret, a copy of production.
    """
    pause, has_begun = 0.0, False
    with Endpoint(settings) as endpoint:
        while not is_stopped(pause):
            try:
                with connect(settings, Component.ORCHESTRATOR, autocommit=True) as database:
                    while True:
                        round_ = post_some(database, endpoint)
                        has_begun = True
                        pause = _pause(pause, round_)
                        if is_stopped(pause):
                            return
            except SettleError as error:
                if not has_begun:
                    raise
                _log.warning("events wait: %s", visible(str(error)))
                pause = _pause(pause, Round(0, 0, is_there=False))


def _pause(pause: float, round_: Round) -> float:
    if not round_.is_there:
        return min(max(2 * pause, IDLE_S), LONGEST_PAUSE_S)
    return 0.0 if round_.claimed else IDLE_S


def post_some(database: psycopg.Connection[Any], endpoint: Endpoint) -> Round:
    """Claim some events and post them, on a connection that commits each statement.

    A receiver that refuses one event for what is in it is there, and gets the others.
    """
    claimed = rows(database, "select * from finance.claim_events()")
    taken, problems = 0, []
    for place, event in enumerate(claimed, start=1):
        problem = endpoint.post(event["event_id"], event["body"])
        outcome = [event["event_number"], problem and problem.text]
        database.execute("select finance.end_post(%s, %s)", outcome)
        if problem is None:
            taken += 1
            continue
        _log.warning("event %s was not taken: %s", event["event_id"], visible(problem.text))
        problems.append(f"event {event['event_id']} was not taken ({problem.text})")
        if not problem.is_about_this_one:
            rest = [other["event_number"] for other in claimed[place:]]
            database.execute("select finance.unclaim_events(%s::bigint[])", [rest])
            return Round(len(claimed), taken, is_there=False, problems=tuple(problems))
    return Round(len(claimed), taken, problems=tuple(problems))
