"""A payout that the rail's ledger shows and the rail never tells of: two people say what it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import WINDOW, Market, forward, odd_rail, rail
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.rail_events import LINE
from tests.functions.situations import CLOSE_BREAK, COMPARE, due

OK = 200
BREAKS = "select break_id, closed_by from finance.breaks where kind = 'ledger_without_line'"
ASK_PEOPLE = (
    "the rail's ledger shows payout p1, of which the rail has not told what it paid: ask halfin's"
    " people, and two people close break {} with what it was"
)


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due(LINE) as market:
        yield market


def moved(number: int, amount: str) -> dict[str, Any]:
    """A row of the ledger about payout p1."""
    row = {"id": f"e{number}", "type": "payout", "amount": amount, "payout_id": "p1"}
    return row | {"created_at": f"2026-11-2{number}T08:00:00Z"}


@contextmanager
def untelling(entries: list[dict[str, Any]], status: int) -> Iterator[str]:
    """A rail with these rows in its ledger, newest first, that answers so about payout p1."""

    def answers(request: Request, body: bytes) -> Response:
        if request.url.path.endswith("/USDT_TRC20/ledger"):
            return JSONResponse({"data": entries, "meta": {"pagination": {"has_more": False}}})
        if request.url.path.endswith("/p1"):
            if status == OK:
                return JSONResponse({"data": {}})
            return JSONResponse({"error": {"code": "x", "message": "no p1"}}, status)
        return forward(url, request, body)

    with rail() as url, odd_rail(url, answers, "GET") as odd:
        yield odd


@pytest.mark.parametrize("status", [OK, 404, 500])
def test_two_people_say_what_it_was_and_payouts_go_on(market: Market, status: int) -> None:
    entries = [moved(1, "-5")]
    with untelling(entries, status) as url:
        with pytest.raises(
            SettleError,
            match=r"does not tell about payout p1 \((no p1|its answer is about something else)\)",
        ):
            reconcile(market.at_rail(url))
        [opened] = market.rows("dora", BREAKS)
        number = opened["break_id"]
        with pytest.raises(SettleError) as stopped:
            market.pay(url)
        assert str(stopped.value) == ASK_PEOPLE.format(number)
        for _ in range(2):  # one person, however often
            assert market.value("ana", CLOSE_BREAK, number) is False
        assert market.obstacles() == [ASK_PEOPLE.format(number)]
        assert market.value("ben", CLOSE_BREAK, number) is True
        assert market.obstacles() == []
        reconcile(market.at_rail(url))
        assert market.rows("dora", BREAKS) == [{"break_id": number, "closed_by": "ben"}]
        assert market.pay(url).state == "accepted"
        # More of it is news.
        entries.insert(0, moved(2, "-7"))
        reconcile(market.at_rail(url))
        [_, again] = market.rows("dora", BREAKS + " order by break_id")
        assert again["closed_by"] is None


@pytest.mark.parametrize("status", [401, 403, 429])
def test_nobody_says_what_it_was_before_the_rail_was_asked(market: Market, status: int) -> None:
    """What is wrong with our key, or too often, is no answer about the payout."""
    with untelling([moved(1, "-5")], status) as url, pytest.raises(SettleError):
        reconcile(market.at_rail(url))
    [opened] = market.rows("dora", BREAKS)
    assert market.refusal("ana", CLOSE_BREAK, opened["break_id"]) == (
        f"break {opened['break_id']} stays open: the rail was not asked about the payout yet,"
        " run settle reconcile"
    )
    assert market.obstacles() == [
        "the rail's ledger shows payout p1, of which the rail has not told what it paid:"
        " run settle reconcile"
    ]


def test_what_the_rail_tells_after_all_counts(market: Market) -> None:
    """Two people were wrong: it was a payout in our name of another window."""
    with untelling([moved(1, "-5")], 404) as url, pytest.raises(SettleError):
        reconcile(market.at_rail(url))
    [opened] = market.rows("dora", BREAKS)
    for person in ("ana", "ben"):
        market.rows(person, CLOSE_BREAK, opened["break_id"])
    [asked] = market.rows(ORCHESTRATOR, "select rail_id from finance.open_lookups()")
    assert asked == {"rail_id": "p1"}
    installation = market.value("dora", "select installation_id from finance.installation")
    key = f"settle/{installation}/2026-W40/aaaa"
    told = {"data": {"id": "p1", "status": "completed", "idempotency_key": key}}
    market.rows(ORCHESTRATOR, "select finance.record_lookup(%s)", json.dumps(told).encode())
    market.rows(ORCHESTRATOR, COMPARE)
    [said] = market.obstacles(WINDOW)
    assert said.startswith("payout p1 of 2026-W40 is at the rail in our name")
