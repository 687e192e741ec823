"""Submit: the same bytes under the same key, until there is an answer we can believe."""

import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
from halfin_rail import KEY, http_server
from payment_server import ORCHESTRATOR, OWNER
from payments import (
    DUE,
    WINDOW,
    Market,
    books,
    paid_once,
    rail,
)
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError

SESSIONS = (
    "select state from pg_stat_activity"
    " where datname = current_database() and application_name = 'settle'"
)
NOWHERE = "http://127.0.0.1:9/api"  # nothing listens there


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with Market.open() as market:
        market.approved()
        yield market


def stopped(market: Market, url: str, key: str = KEY) -> str:
    """The one line with which `settle pay` fails."""
    with pytest.raises(SettleError) as error:
        market.pay(url, key=key)
    message = str(error.value)
    assert "\n" not in message
    assert WINDOW in message
    return message


def test_an_accepted_batch_is_sent_once(market: Market) -> None:
    with rail(auto_approve=False) as url:
        result = market.pay(url)
        assert (result.payout_window, result.state, result.is_new) == (WINDOW, "accepted", True)
        assert market.pay(url).is_new is False
        paid_once(market, url)
    [batch] = market.rows("dora", "select * from finance.payout_batches")
    assert (batch["frozen_by"], batch["frozen_at"]) == (ORCHESTRATOR, DUE)
    assert re.fullmatch(r"[0-9a-f-]{36}", batch["rail_batch_id"])
    assert market.kinds("breaks") == market.kinds("alerts") == []


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"opening_balance": Decimal(0)}, "The balance does not cover the total (USDT_TRC20:"),
        ({"max_lines": 1}, "The request has 1 problem(s); nothing was created (payouts: must be"),
    ],
)
def test_a_rejected_batch_comes_back(market: Market, fault: dict[str, Any], why: str) -> None:
    with rail(**fault) as url:
        said = stopped(market, url)
        assert said.startswith(f"the rail rejected the batch of 2026-W47: {why}")
        assert said.endswith(
            "; nothing was paid, the lines came back: mend the cause, review and approve again"
        )
    assert market.state() == ["rejected"]
    assert market.lines("state, returned_at") == [("rejected", DUE)] * 3
    assert market.kinds("alerts") == ["rejected"]
    with rail(auto_approve=False) as url:
        # An approval is good for one attempt.
        assert stopped(market, url).startswith("window 2026-W47 is not approved: review it")
        market.approve("ana")
        market.pay(url)
        paid_once(market, url)
    batches = market.rows("dora", "select * from finance.payout_batches order by attempt")
    assert [row["idempotency_key"].rpartition("/")[2] for row in batches] == ["1", "2"]
    assert len(set(market.lines("line_id"))) == len(set(market.lines("idempotency_key"))) == 6


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_refusal_that_is_not_about_the_batch_leaves_it_unknown(
    market: Market, status: int
) -> None:
    refused = {"error": {"code": "x", "message": "not so", "details": []}, "meta": {}}
    with http_server(lambda request, body: JSONResponse(refused, status)) as url:
        assert stopped(market, url) == (
            f"the rail stopped the batch of 2026-W47: HTTP {status}, not so; it may or may not"
            " have it: ask halfin, then run settle pay 2026-W47 again"
        )
    assert market.state() == ["unknown"]
    assert market.lines("state, returned_at") == [("frozen", None)] * 3
    assert market.value("dora", "select message from finance.alerts") == (
        f"the batch of 2026-W47 has no certain answer (HTTP {status}): run settle pay 2026-W47"
        " again, it asks with the same key"
    )
    with rail(auto_approve=False) as url:
        market.pay(url)
        paid_once(market, url)


def test_a_key_that_the_rail_knows_with_another_body_stops_it(market: Market) -> None:
    batch = market.freeze()
    [call] = market.rows(ORCHESTRATOR, "select * from finance.begin_call(%s)", batch)
    other = call["body"].replace("123.450000", "123.460000")
    with rail(auto_approve=False) as url:
        post = {"headers": {"X-API-Key": KEY}, "trust_env": False}
        httpx.post(url + call["path"], content=other, **post).raise_for_status()
        assert "HTTP 409" in stopped(market, url)
    assert market.state() == ["unknown"]


def test_a_lost_answer_is_asked_for_with_the_same_bytes(market: Market) -> None:
    with rail(accept_then_drop_rate=1.0, fault_limit=1, auto_approve=False) as url:
        said = stopped(market, url)
        assert said.startswith("the batch of 2026-W47 has no certain answer: ")
        assert said.endswith("run settle pay 2026-W47 again, it asks with the same key")
        assert (market.state(), books(url)["batches"]) == (["unknown"], 1)
        assert market.pay(url).is_new is True
        paid_once(market, url)


def test_no_answer_stays_unknown_until_there_is_one(market: Market) -> None:
    assert "has no certain answer" in stopped(market, NOWHERE)
    with rail(opening_balance=Decimal(0)) as url:
        # The first try may have been taken, and be why the balance is too low now.
        assert "has no certain answer" in stopped(market, url)
    assert (market.state(), market.kinds("alerts")) == (["unknown"], ["unknown", "unknown"])
    assert market.lines("state, returned_at") == [("frozen", None)] * 3
    with rail(auto_approve=False) as url:
        market.pay(url)
        paid_once(market, url)
    assert market.value("dora", "select tries from finance.payout_calls") == 3


def test_an_answer_in_no_language_is_no_answer(market: Market) -> None:
    with http_server(lambda request, body: Response(b"\0\xff\0", 502)) as url:
        assert "has no certain answer" in stopped(market, url)
    assert market.state() == ["unknown"]


@pytest.mark.parametrize("is_taken", [False, True], ids=["before it is taken", "after"])
def test_killed_on_the_way_the_next_run_goes_on(market: Market, is_taken: bool) -> None:
    arrived, killed = threading.Event(), threading.Event()
    with rail(auto_approve=False) as url:

        def hold(request: Request, body: bytes) -> Response:
            if is_taken:
                headers = {"X-API-Key": request.headers["X-API-Key"]}
                path = url.removesuffix("/api") + request.url.path
                httpx.post(path, content=body, headers=headers, trust_env=False)
            arrived.set()
            killed.wait(60)
            return Response(status_code=500)

        with http_server(hold) as slow:
            process = market.settle("pay", WINDOW, HALFIN_BASE_URL=f"{slow}/api")
            try:
                assert arrived.wait(60), "nothing was sent"
                # No transaction is open across the network.
                assert market.rows(OWNER, SESSIONS) == [{"state": "idle"}]
            finally:
                process.kill()
                process.communicate()
                killed.set()
        assert (market.state(), books(url)["batches"]) == (["submitting"], int(is_taken))
        market.pay(url)
        paid_once(market, url)
