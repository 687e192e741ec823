"""Ask the rail: for lines without a certain outcome, and for its own ledger."""

from http import HTTPStatus
from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.errors import SettleError
from orchestrator.halfin import PAGE_ROWS, HalfinClient
from orchestrator.halfin.factory import halfin_client
from orchestrator.settlement.alerts import post_alerts
from orchestrator.settlement.retention import prune_some


def reconcile(settings: Settings) -> int:
    """Look up what has no certain outcome, read the ledger, compare; returns how many lines moved.

    A failed or returned line's money comes back here and nowhere else: when the rail, asked, says
    so again. What the rail does not tell about keeps nobody from asking about the rest; it raises
    SettleError at the end.
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
    moved = _look_up(rail, database, unanswered)
    ledgers = rows(database, "select * from finance.ledgers_to_read()")
    for ledger in ledgers:
        said = _read_ledger(rail, database, ledger["currency"])
        if said and ledger["was_paid"]:  # else nobody waits for anything yet
            unanswered.append(said)
    if not _read_balances(rail, database) and any(ledger["was_paid"] for ledger in ledgers):
        unanswered.append("its balances")
    # Once more: the ledger may show as paid what we hold for failed.
    moved += _look_up(rail, database, unanswered)
    database.execute("select finance.compare_books()")
    database.commit()
    if unanswered:
        raise SettleError(
            f"the rail does not tell about {', '.join(dict.fromkeys(unanswered))}; {moved} other"
            " lines got an outcome: run settle reconcile again later"
        )
    return moved


def _look_up(rail: HalfinClient, database: psycopg.Connection[Any], unanswered: list[str]) -> int:
    moved = 0
    lookups = rows(database, "select * from finance.open_lookups()")
    database.commit()
    for lookup in lookups:  # which grows by the payouts of a call that the rail does not show
        answer = rail.get(lookup["path"], lookup["rail_id"])
        if answer.http_status == HTTPStatus.NOT_FOUND:
            query = "select * from finance.lookups_of_call(%s)"
            payouts = rows(database, query, lookup["rail_id"])
            database.commit()
            if payouts:
                lookups += payouts
                continue
        if not answer.is_success:
            window = lookup["payout_window"]
            about = f"the batch of {window}" if window else f"payout {lookup['rail_id']}"
            unanswered.append(f"{about} ({answer.said})")
            continue
        [recorded] = rows(
            database,
            "select finance.record_lookup(%b, %s) as moved",
            *(answer.body, lookup["confirms"]),
        )
        database.commit()
        moved += recorded["moved"]
    return moved


def _read_balances(rail: HalfinClient, database: psycopg.Connection[Any]) -> bool:
    database.commit()
    answer = rail.balances()
    if answer.is_success:
        database.execute("select finance.store_balances(%b)", [answer.body])
        database.commit()
    return answer.is_success


def _read_ledger(
    rail: HalfinClient, database: psycopg.Connection[Any], currency: str
) -> str | None:
    """All pages up to what is known, kept together: half a ledger would hide the other half.

    Where the rail counts more rows than are known then, those of two weeks are read again. Returns
    what the rail does not tell; None where it told all of it.
    """
    pages: list[bytes | bytearray] = []
    is_whole: bool | None = None
    database.commit()
    while True:
        answer = rail.ledger(currency, offset=len(pages) * PAGE_ROWS)
        if not answer.is_success:
            return f"the ledger of {currency} ({answer.said})"
        pages.append(answer.body)
        query = (
            "select finance.ledger_knows(%s, %b) as is_known,"
            " finance.ledger_knows_weeks(%s, %b) as is_old"
        )
        [page] = rows(database, query, *(currency, answer.body) * 2)
        if page["is_known"] and is_whole is None:
            query = "select finance.ledger_missing(%s, %b) = 0 as it"
            [is_whole] = [row["it"] for row in rows(database, query, currency, pages)]
        database.commit()
        if is_whole or page["is_old"] or not answer.has_more:
            break
    database.execute("select finance.store_ledger(%s, %b)", [currency, pages])
    database.commit()
    return None
