"""Ask the rail: for lines without a certain outcome, and for its own ledger."""

from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError
from orchestrator.halfin import HalfinClient
from orchestrator.halfin.factory import halfin_client
from orchestrator.settlement.alerts import post_alerts
from orchestrator.settlement.ask_rail import look_up, read_ledger
from orchestrator.settlement.retention import prune_some


def reconcile(settings: Settings) -> int:
    """Look up what has no certain outcome, read the ledger, compare; returns how many lines moved.

    A failed or returned line's money comes back when the rail, asked, says so again: here, or where
    a pay asks about a payout of the ledger that no line names. What the rail does not tell about
    keeps nobody from asking about the rest; it raises SettleError at the end.
    """
    with halfin_client(settings) as rail, connect(settings, Component.ORCHESTRATOR) as database:
        try:
            moved = _reconcile(rail, database)
            prune_some(settings, database)  # a part of it each hour
            return moved
        finally:
            post_alerts(settings, database)


def _reconcile(rail: HalfinClient, database: psycopg.Connection[Any]) -> int:
    unanswered: list[str] = []
    moved = look_up(rail, database, unanswered)
    ledgers = rows(database, "select * from finance.ledgers_to_read()")
    for ledger in ledgers:
        said = read_ledger(rail, database, ledger["currency"])
        if said and ledger["was_paid"]:  # else nobody waits for anything yet
            unanswered.append(said)
    if not _read_balances(rail, database) and any(ledger["was_paid"] for ledger in ledgers):
        unanswered.append("its balances")
    # Once more: the ledger may show as paid what we hold for failed.
    moved += look_up(rail, database, unanswered)
    database.execute("select finance.compare_books()")
    database.commit()
    if unanswered:
        raise SettleError(
            f"the rail does not tell about {', '.join(dict.fromkeys(unanswered))}; {moved} other"
            " lines got an outcome: run settle reconcile again later"
        )
    return moved


def _read_balances(rail: HalfinClient, database: psycopg.Connection[Any]) -> bool:
    database.commit()
    answer = rail.balances()
    if answer.is_success:
        database.execute("select finance.store_balances(%b)", [answer.body])
        database.commit()
    return answer.is_success
