"""What a page of the desk reads: queries of orchestrator/sql, by their names on the page."""

from typing import Any

import psycopg

MOST_ROWS = 50

HEAD = {"head": "desk_window"}
WINDOW = HEAD | {
    "totals": "close_totals",
    "payable": "close_payable",
    "standing": "desk_standing",
    "weeks": "close_bars",
    "rails": "desk_rails",
    "compared": "close_rails",
    "exceptions": "close_exceptions",
    "checks": "checks",
    "approvals": "payout_approvals",
    "batch": "payout_batch",
    "outcomes": "payout_outcomes",
    "failed": "desk_failed",
    "left_out": "payout_left_out",
    "calls": "payout_calls",
}
RELEASES = {"releases": "desk_releases"}
APPROVE = HEAD | {name: WINDOW[name] for name in ("totals", "payable", "rails", "approvals")}
SELLER = {"statement": "statement", "health": "desk_health"}
BOOKS = {"asked": "desk_may_read", "rows": "desk_books", "ageing": "desk_ageing"}
HOME = {"windows": "status", "breaks": "breaks", "alerts": "alerts", "pause": "desk_pause"}


def groups_of(database: psycopg.Connection[Any]) -> tuple[bool, bool]:
    """Whether who is connected may read at this desk, and whether they may decide.

    Components and owners may not: the desk is for people.
    """
    row = database.execute(
        "select pg_has_role(session_user, 'settle_finance', 'member'),"
        " pg_has_role(session_user, 'settle_analyst', 'member'),"
        " pg_has_role(session_user, 'settle_owner', 'member')"
    ).fetchone()
    is_finance, is_analyst, is_owner = row or (False, False, True)
    return (is_finance or is_analyst) and not is_owner, is_finance
