"""Pay a window: freeze, submit, and ask again about what is not certain.

Every step is committed before the next begins, and no transaction is open while the network is.
Killed anywhere, the next run continues: it finds the standing batch, and the same bytes under the
same key return the rail's original answer. What an answer means for the money, the database says.
"""

import time
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError
from orchestrator.halfin import BATCH_PATH, HalfinClient, RailResponse
from orchestrator.halfin.factory import halfin_client
from orchestrator.settlement.alerts import post_alerts
from orchestrator.settlement.ask_rail import look_up, read_ledger

# For what another login keeps in a transaction that it left open: said, and tried again later.
LOCK_TIMEOUT = "60s"
TURN_S = 0.2  # between two looks at whether another run is over
PIECE_BYTES = 2**20  # what goes to the database at once of an answer of many megabytes


@dataclass(frozen=True)
class PayResult:
    """A run's batch after paying: its state, and whether this call was the one that sent something.

    `name` is how people name the run: its window, or "run 2 of 2026-W47".
    """

    payout_window: str
    name: str
    batch_id: int
    state: str
    is_new: bool


def pay_window(settings: Settings, window: str) -> PayResult:
    """Freeze and submit the current run's approved lines, or resume; refuses with what is missing.

    Raises SettleError where the gate is shut, the rail would refuse, the batch was rejected, an
    answer stays unknown, or people have decided a line of a call and the others are theirs too.
    """
    with halfin_client(settings) as rail, connect(settings, Component.ORCHESTRATOR) as database:
        _wait_for_turn(database, window)
        try:
            return _pay(settings, rail, database, window)
        finally:
            _alert_stopped(database, window)
            post_alerts(settings, database)


def _pay(
    settings: Settings, rail: HalfinClient, database: psycopg.Connection[Any], window: str
) -> PayResult:
    [unsent] = rows(database, "select finance.has_no_attempt(%s) as is_unsent", window)
    database.commit()
    if unsent["is_unsent"]:
        _preflight(rail, database, window)
        _read_ledgers(rail, database, window)
    _same_rail(rail, database, window)
    [frozen] = rows(
        database,
        "select finance.freeze_batch(%s, %s, %s) as batch_id",
        window,
        settings.halfin_max_lines_per_call,
        settings.halfin_batch_path or BATCH_PATH,
    )
    database.commit()
    batch_id: int = frozen["batch_id"]
    is_new = False
    while call := _next_call(database, batch_id):
        if not call["is_answered"]:
            is_new = True
            _send(rail, database, batch_id, call)
        [concluded] = rows(
            database, "select * from finance.conclude_call(%s, %s)", batch_id, call["sequence"]
        )
        database.commit()
        if concluded["verdict"] in ("unknown", "stopped", "conflict") or (
            concluded["batch_state"] == "rejected"
        ):
            raise SettleError(concluded["message"])
    [left] = rows(database, "select finance.leave_to_people(%s) as to_do", batch_id)
    [batch] = rows(
        database,
        "select state, finance.run_name(payout_window, run) as name"
        " from finance.payout_batches where batch_id = %s",
        batch_id,
    )
    database.commit()
    if left["to_do"]:
        raise SettleError(left["to_do"])
    return PayResult(window, batch["name"], batch_id, batch["state"], is_new)


def _wait_for_turn(database: psycopg.Connection[Any], window: str) -> None:
    """Until no other run pays the window; that one may have had the response by then.

    It is courtesy: what keeps the money safe is the key.
    """
    while True:
        query = "select set_config('lock_timeout', %s, false), finance.take_turn(%s) as is_ours"
        [turn] = rows(database, query, LOCK_TIMEOUT, window)
        database.commit()
        if turn["is_ours"]:
            return
        time.sleep(TURN_S)


def _preflight(rail: HalfinClient, database: psycopg.Connection[Any], window: str) -> None:
    """Raises SettleError with what the rail would refuse; nothing was frozen or sent for it."""
    answers = {"currencies": rail.currencies(), "balances": rail.balances()}
    for what, answer in answers.items():
        if not answer.is_success:
            raise SettleError(
                f"the rail does not tell its {what} ({answer.said}): nothing was sent,"
                f" run settle pay {window} again later"
            )
    # Kept also where it is too low: what finance reads as funded is what the rail last said.
    database.execute("select finance.store_balances(%b)", [answers["balances"].body])
    problems = [
        row["problem"]
        for row in rows(
            database,
            "select problem from finance.preflight(%s, %b) as problem",
            window,
            answers["currencies"].body,
        )
    ]
    database.commit()
    if problems:
        raise SettleError(
            f"the rail would refuse the batch of {window}: {'; '.join(problems)};"
            f" nothing was sent, run settle pay {window} again"
        )


def _read_ledgers(rail: HalfinClient, database: psycopg.Connection[Any], window: str) -> None:
    """What the rail's ledger has and we do not, before anything is frozen: the freeze asks for it.

    Raises SettleError where the rail does not tell its ledger. A batch that stands needs none.
    """
    currencies = rows(database, "select finance.ledgers_to_pay(%s) as currency", window)
    database.commit()
    for ledger in currencies:
        untold = read_ledger(rail, database, ledger["currency"])
        if untold:
            raise SettleError(
                f"the rail does not tell {untold}: nothing was sent,"
                f" run settle pay {window} again later"
            )
    if currencies:
        # Of what it does not tell, the freeze says so.
        look_up(rail, database, [], is_without_line=True)
        database.execute("select finance.compare_books()")
        database.commit()


def _same_rail(rail: HalfinClient, database: psycopg.Connection[Any], window: str) -> None:
    """A call that may have been read goes to the rail that has its key, and to no other.

    Raises SettleError where the rail knows none of the payouts that it has named. What else it may
    answer, the call itself will meet.
    """
    known = rows(database, "select path, rail_id from finance.payouts_to_know(%s)", window)
    database.commit()
    answers = (rail.get(payout["path"], payout["rail_id"]) for payout in known)
    if known and all(answer.http_status == HTTPStatus.NOT_FOUND for answer in answers):
        message = (
            f"a call of {window} may be with another rail than this one, which does not know payout"
            f" {known[0]['rail_id']}: nothing was sent; set HALFIN_BASE_URL and HALFIN_API_KEY to"
            f" the address and account that paid before, then run settle pay {window} again"
        )
        alert = "select finance.raise_alert_once('another_rail', %s, %s)"
        database.execute(alert, [window, message])
        database.commit()
        raise SettleError(message)


def _alert_stopped(database: psycopg.Connection[Any], window: str) -> None:
    """Somebody is told where a call waits for a person before it was ever sent."""
    if not database.closed:
        database.rollback()
        database.execute("select finance.alert_stopped(%s)", [window])
        database.commit()


def _next_call(database: psycopg.Connection[Any], batch_id: int) -> dict[str, Any] | None:
    query = (
        "select n.*, finance.has_certain_response(%(batch)s, n.sequence) as is_answered"
        " from finance.next_call(%(batch)s) as n"
    )
    found = rows(database, query, batch=batch_id)
    database.commit()
    return found[0] if found else None


def _send(
    rail: HalfinClient, database: psycopg.Connection[Any], batch_id: int, call: dict[str, Any]
) -> None:
    """Send the call's bytes until there is an answer; each try is committed before it is made."""
    attempt = 0
    sequence: int = call["sequence"]

    def body() -> list[bytes]:
        with database.cursor() as cursor:
            pieces = cursor.stream(
                "select finance.call_body(%s, %s)", [batch_id, sequence], binary=True
            )
            exact = [piece for (piece,) in pieces]
        database.commit()
        return exact

    def before() -> None:
        nonlocal attempt
        [begun] = rows(
            database,
            "select finance.begin_attempt(%s, %s) as attempt",
            batch_id,
            sequence,
        )
        database.commit()
        attempt = begun["attempt"]

    def after(answer: RailResponse) -> None:
        content = memoryview(answer.body or (answer.problem or "").encode())
        for start in range(0, len(content), PIECE_BYTES):
            piece = content[start : start + PIECE_BYTES]
            database.execute(
                "select finance.append_response_chunk(%s, %s, %s, %b)",
                [batch_id, sequence, attempt, piece],
            )
        database.execute(
            "select finance.end_attempt(%s, %s, %s, %s, %s, %s)",
            [
                *(batch_id, sequence, attempt),
                *(answer.http_status, answer.was_sent, answer.request_id),
            ],
        )
        database.commit()

    rail.post(call["path"], body, before=before, after=after)
