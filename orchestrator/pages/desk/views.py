"""What a page of the desk reads: queries of orchestrator/sql, in one state of the database."""

from collections.abc import Mapping
from typing import Any

import psycopg

from orchestrator.config import Settings
from orchestrator.database import connect_as, rows_of

MOST_ROWS = 50
Rows = list[dict[str, Any]]

# Of one window; name on the page, query.
WINDOW = {
    "totals": "close_totals",
    "weeks": "desk_weeks",
    "rails": "desk_rails",
    "compared": "close_rails",
    "releases": "desk_releases",
    "statuses": "close_statuses",
    "holds": "close_holds",
    "held": "desk_held",
    "flagged": "desk_flagged",
    "exceptions": "close_exceptions",
    "checks": "checks",
    "funding": "close_funding",
    "changes": "desk_changes",
    "approvals": "payout_approvals",
    "batch": "payout_batch",
    "outcomes": "payout_outcomes",
    "failed": "desk_failed",
    "left_out": "payout_left_out",
    "calls": "payout_calls",
}
HOME = {"windows": "status", "breaks": "breaks", "alerts": "alerts", "standing": "standing"}


def read(
    settings: Settings, name: str, password: str, queries: Mapping[str, str], **parameters: Any
) -> dict[str, Rows]:
    """The rows of each query, read as this person. Raises SettleError with a line for them."""
    known = {"window": None, "all": False, "limit": MOST_ROWS} | parameters
    with connect_as(settings, name, password) as database:
        database.execute("set transaction isolation level repeatable read, read only")
        return {key: rows_of(database, query, **known) for key, query in queries.items()}


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
