"""What the tests of verdicts share: tries of a call, their answers, and what they must lead to."""

import json
from typing import Any, NamedTuple

from tests.functions.market import DUE, WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.rail_events import payout

TAKEN = "the batch, as the rail shows it"
CODES = ("validation_error", "invalid_state")
# The states of the batch and of its line, whether the money came back, what is left to send.
LEADS_TO = {
    "accepted": ("accepted", "submitted", None, []),
    "rejected": ("rejected", "rejected", DUE, []),
    "unknown": ("unknown", "frozen", None, [1]),
    "stopped": ("unknown", "frozen", None, [1]),
}


class Try(NamedTuple):
    """An attempt and its answer."""

    http_status: int
    body: str | bytes = ""
    was_sent: bool = True


def refusal(code: Any = "validation_error", **other: Any) -> str:
    return json.dumps({"error": {"code": code, "message": "No", "details": []} | other})


def listing(*payouts: Any, **other: Any) -> str:
    return json.dumps({"data": {"id": "b", "payouts": payouts} | other, "meta": {}})


def begin(market: Market) -> int:
    return int(market.value(ORCHESTRATOR, "select finance.begin_attempt(1, 1)"))


def end(market: Market, attempt: int, answer: Try) -> None:
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    if answer.body == TAKEN:
        body = listing({k: v for k, v in payout(market).items() if k != "metadata"}).encode()
    for piece in (body[:7], body[7:]):
        take = "select finance.append_response_chunk(1, 1, %s, %s)"
        market.rows(ORCHESTRATOR, take, attempt, piece)
    query = "select finance.end_attempt(1, 1, %s, %s, %s, 'req_1')"
    market.rows(ORCHESTRATOR, query, attempt, answer.http_status, answer.was_sent)


def conclude(market: Market) -> str:
    """The verdict; its line is fit to be read by a person."""
    [found] = market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 1)")
    assert WINDOW in found["message"]
    assert "\n" not in found["message"]
    assert len(found["message"]) < 600
    assert [found["batch_state"]] == market.state()
    return str(found["verdict"])


def verdict(market: Market, *tries: Try) -> str:
    """What these attempts, one after the other, add up to."""
    for answer in tries:
        end(market, begin(market), answer)
    return conclude(market)


def leads_to(market: Market, verdict: str, *alerts: str) -> None:
    """Everything that a verdict decides is decided; the alerts are its own, where none is named."""
    calls = market.rows(ORCHESTRATOR, "select * from finance.next_call(1)")
    [(line, returned_at)] = market.lines("state, returned_at")
    assert (*market.state(), line, returned_at, [c["sequence"] for c in calls]) == LEADS_TO[verdict]
    own = () if verdict == "accepted" else (verdict,)
    assert market.kinds("alerts") == sorted(alerts or own)
    assert market.kinds("breaks") == []
