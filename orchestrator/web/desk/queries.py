"""What each page of the console reads: queries of orchestrator/queries, by name on the page."""

from typing import Any

import psycopg

MOST_ROWS = 50
MOST_HELD = 1000  # of a list to choose from

HEAD = {"head": "window/header"}
WINDOW = HEAD | {
    "totals": "close/totals",
    "positions": "window/positions",
    "weeks": "close/last_12",
    "rails": "books/share_by_rail",
    "compared": "close/by_rail",
    "exceptions": "close/exceptions",
    "checks": "window/checks",
    "batch": "payout/batch",
    "refused": "payout/refused",
    "runs": "payout/runs",
    "outcomes": "payout/outcomes",
    "failed": "payout/failed_lines",
    "left_out": "payout/left_out",
    "calls": "payout/calls",
}
NOT_STORED = {"so_far": "window/net_so_far"}
HELD = HEAD | {"reasons": "window/held_reasons", "rows": "window/held"}
# How the held can be sorted, as window/held.sql has it.
SORTS = {
    "net": "Largest net",
    "change": "Grew most since last week",
    "score": "Lowest health score",
    "disputes": "Most disputed",
    "refunds": "Most refunded",
    "spike": "Steepest spike",
    "seller": "Seller's id",
}
RELEASES = {"releases": "books/reserve_releases"}
APPROVE = HEAD | {name: WINDOW[name] for name in ("totals", "rails", "positions")}
SELLER = {
    "statement": "seller/statement",
    "health": "seller/health",
    "assignments": "seller/reserve_policies",
    "policies": "decisions/reserve_policies",
}
BOOKS = {
    "asked": "books/may_read",
    "rows": "books/rollforward",
    "months": "books/months",
    "ageing": "books/ageing",
}
RISK = {"rows": "risk/backtests"}
BACKTEST = {"backtest": "risk/backtest"}
HOME = {
    "windows": "window/status",
    "breaks": "reconciliation/breaks",
    "alerts": "reconciliation/alerts",
    "pause": "reconciliation/pause",
}
TITLES = {
    "adjustments": "Adjustments",
    "limits": "Limits",
    "blocks": "Blocked wallets",
    "reserve-policies": "Reserve policies",
    "go-live": "Go-live",
    "erasures": "Erasures",
    "breaks": "Breaks",
    "alerts": "Alerts",
}
LISTS: dict[str, dict[str, str]] = {
    "adjustments": {"rows": "decisions/adjustments", "files": "decisions/adjustment_files"},
    "limits": {"rows": "decisions/policies"},
    "blocks": {"rows": "decisions/wallet_blocks"},
    "reserve-policies": {
        "rows": "decisions/reserve_assignments",
        "files": "decisions/reserve_files",
        "policies": "decisions/reserve_policies",
    },
    "go-live": {"rows": "decisions/go_lives"},
    "erasures": {"rows": "decisions/erasures"},
    "breaks": {"rows": "reconciliation/breaks"},
    "alerts": {"rows": "reconciliation/alerts"},
}


def groups_of(database: psycopg.Connection[Any]) -> tuple[bool, bool]:
    """Whether the connected login may open the console, and whether it may decide.

    Logins of components and owners may not: the console is for people.
    """
    row = database.execute(
        "select pg_has_role(session_user, 'settle_finance', 'member'),"
        " pg_has_role(session_user, 'settle_analyst', 'member'),"
        " pg_has_role(session_user, 'settle_owner', 'member')"
    ).fetchone()
    is_finance, is_analyst, is_owner = row or (False, False, True)
    return (is_finance or is_analyst) and not is_owner, is_finance
