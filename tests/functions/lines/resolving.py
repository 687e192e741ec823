"""What two people say of a line, and what became of it and of its call."""

import json

from tests.functions.market import WINDOW, Market
from tests.functions.rail_events import LINE

RESOLVE = "select finance.resolve_line(%s, %s, %s, 'halfin ticket 7')"
CONFLICT = json.dumps({"error": {"code": "conflict", "message": "Key reused with another body"}})


def say(market: Market, who: str, outcome: str, seller: str = LINE.seller) -> int:
    """How many people say so now."""
    return int(market.value(who, RESOLVE, WINDOW, seller, outcome))


def refused(market: Market, outcome: str, who: str = "ana", seller: str = LINE.seller) -> str:
    return market.refusal(who, RESOLVE, WINDOW, seller, outcome)


def both(market: Market, outcome: str, seller: str = LINE.seller) -> None:
    assert [say(market, who, outcome, seller) for who in ("ana", "ben")] == [1, 2]


def line(market: Market) -> tuple[object, ...]:
    """The state of the only line; when its money came back, and when it was taken again."""
    [found] = market.lines("state, returned_at, retaken_at")
    return found


def calls(market: Market) -> list[str]:
    """The states of all calls."""
    query = "select state from finance.payout_calls order by batch_id, sequence"
    return [row["state"] for row in market.rows("dora", query)]
