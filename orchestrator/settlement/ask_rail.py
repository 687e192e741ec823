"""What the rail says when it is asked: of payouts, and of its own ledger."""

from http import HTTPStatus
from typing import Any

import psycopg

from orchestrator.database.connection import rows
from orchestrator.halfin import PAGE_ROWS, HalfinClient


def look_up(
    rail: HalfinClient,
    database: psycopg.Connection[Any],
    unanswered: list[str],
    *,
    is_without_line: bool = False,
) -> int:
    """Ask for what has no certain outcome, or only for what no line has; returns how many moved.

    What the rail does not tell is added to `unanswered`.
    """
    moved = 0
    query = "select * from finance.open_lookups() where payout_window is null or not %s"
    lookups = rows(database, query, is_without_line)
    database.commit()
    for lookup in lookups:  # which grows by the payouts of a call that the rail does not show
        window = lookup["payout_window"]
        answer = rail.get(lookup["path"], lookup["rail_id"])
        if answer.http_status == HTTPStatus.NOT_FOUND:
            query = "select * from finance.lookups_of_call(%s)"
            payouts = rows(database, query, lookup["rail_id"])
            database.commit()
            if payouts:
                lookups += payouts
                continue
        if not answer.is_success:
            if window:
                unanswered.append(f"the batch of {window} ({answer.said})")
            elif _is_untold(database, lookup["rail_id"], answer.http_status):
                unanswered.append(f"payout {lookup['rail_id']} ({answer.said})")
            continue
        [recorded] = rows(
            database,
            "select finance.record_lookup(%b, %s) as moved",
            *(answer.body, lookup["confirms"]),
        )
        database.commit()
        moved += recorded["moved"]
        if not window and _is_untold(database, lookup["rail_id"], answer.http_status):
            unanswered.append(f"payout {lookup['rail_id']} (its answer is about something else)")
    return moved


def _is_untold(database: psycopg.Connection[Any], payout_id: str, http_status: int) -> bool:
    """Whether the rail has told nothing of a payout that no line has, and people neither."""
    query = "select finance.record_untold(%s, %s) as is_untold"
    [found] = rows(database, query, payout_id, http_status)
    database.commit()
    return bool(found["is_untold"])


def read_ledger(rail: HalfinClient, database: psycopg.Connection[Any], currency: str) -> str | None:
    """All pages up to what is known, kept together: half a ledger would hide the other half.

    Where the rail counts more rows than are known then, those of two weeks are read again. Returns
    what the rail does not tell; None where it told all of it.
    """
    pages: list[bytes | bytearray] = []
    before: list[Any] = []
    is_whole: bool | None = None
    database.commit()
    while True:
        answer = rail.ledger(currency, offset=len(pages) * PAGE_ROWS)
        if not answer.is_success:
            return f"the ledger of {currency} ({answer.said})"
        # Else an answer without rows, or the first of them again and again, would count as all.
        entries = answer.data
        if not isinstance(entries, list):
            return f"the ledger of {currency} (no list in its answer)"
        if entries and entries == before:
            return f"the ledger of {currency} (the same page again)"
        before = entries
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
        is_full = len(entries) >= PAGE_ROWS
        has_more = is_full if answer.has_more is None else answer.has_more
        if is_whole or page["is_old"] or not (entries and has_more):
            break
    query = "select finance.store_ledger(%s, %b) as new_rows"
    [stored] = rows(database, query, currency, pages)
    database.commit()
    if stored["new_rows"] is None:
        return f"the ledger of {currency} (a page that cannot be read)"
    return None
