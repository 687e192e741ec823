"""Submit: the same bytes under the same key, until there is an answer we can believe."""

import re
import threading
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from tests.functions.market import (
    DUE,
    WINDOW,
    Market,
    books,
    exact_bytes,
    forward,
    odd_rail,
    paid_once,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due
from tests.halfin.sandbox import KEY

SESSIONS = (
    "select state from pg_stat_activity"
    " where datname = current_database() and application_name = 'settle'"
)
REFUSED = {"error": {"code": "x", "message": "not so", "details": []}, "meta": {}}


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
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
    [call] = market.rows("dora", "select * from finance.payout_calls")
    assert re.fullmatch(r"[0-9a-f-]{36}", call["rail_batch_id"])
    [attempt] = market.rows("dora", "select * from finance.call_attempts")
    assert (attempt["http_status"], attempt["was_sent"]) == (201, True)
    assert attempt["request_id"].startswith("req_")
    assert call["rail_batch_id"] in attempt["response"]
    assert market.kinds("breaks") == market.kinds("alerts") == []


def test_a_rejected_batch_comes_back(market: Market) -> None:
    with rail(max_lines=1) as url:
        said = stopped(market, url)
        why = (
            "The request has 1 problem(s); nothing was created (payouts: must be a list of 1 to 1)"
        )
        assert said == (
            f"the rail rejected the batch of 2026-W47: {why}; nothing was paid, the lines came"
            " back: mend the cause, review and approve again"
        )
    assert market.state() == ["rejected"]
    assert market.lines("state, returned_at") == [("rejected", DUE)] * 3
    assert market.value("dora", "select message from finance.alerts") == said
    with rail(auto_approve=False) as url:
        # An approval is good for one attempt.
        assert stopped(market, url).startswith("window 2026-W47 is not approved: review it")
        market.approve("ana")
        market.pay(url)
        paid_once(market, url)
    calls = market.rows("dora", "select * from finance.payout_calls order by batch_id")
    assert [row["idempotency_key"].rpartition("/")[2] for row in calls] == ["1", "2"]
    # Another line, and for the rail the same payout: were the first one taken, it would say so.
    assert len(set(market.lines("line_id"))) == 6
    assert len(set(market.lines("idempotency_key"))) == 3


def test_a_rejection_names_the_sellers(market: Market) -> None:
    details = ["payouts[1].destination: is on a list", "payouts[2].amount: is too small"]
    refused = {"error": {"code": "validation_error", "message": "No", "details": details}}
    with rail() as url, odd_rail(url, lambda request, body: JSONResponse(refused, 400)) as odd:
        said = stopped(market, odd)
    named = "No (seller s10: destination: is on a list; seller s2: amount: is too small)"
    assert said.startswith(f"the rail rejected the batch of 2026-W47: {named}; nothing was paid")
    assert market.lines("seller_id, failure_reason", "failure_code = 'refused'") == [
        ("s10", "destination: is on a list"),
        ("s2", "amount: is too small"),
    ]


REST = "select * from finance.rest_of_refused('2026-W47')"
APPROVE_REST = "select * from finance.approve_rest('2026-W47', %s, 'refused by the rail')"


def refused_batch(market: Market) -> None:
    """The rail refuses the batch, and names the second of its lines."""
    details = ["payouts[1].destination: no such account"]
    refused = {"error": {"code": "validation_error", "message": "no", "details": details}}
    with rail() as url, odd_rail(url, lambda *_: JSONResponse(refused, 400)) as odd:
        assert "s10: destination: no such account" in stopped(market, odd)


def test_the_refused_are_held_and_the_rest_approved_by_two_people(market: Market) -> None:
    refused_batch(market)
    named = "select seller_id, reason from finance.refused_sellers('2026-W47')"
    assert [tuple(row.values()) for row in market.rows("dora", named)] == [
        ("s10", "destination: no such account")
    ]
    [rest] = market.rows("dora", REST)
    assert (rest["line_count"], rest["total_minor"]) == (2, 12_352)
    for person, held in (("ana", 1), ("ben", 0)):
        [done] = market.rows(person, APPROVE_REST, rest["digest"])
        assert (done["held_count"], done["line_count"], done["total_minor"]) == (held, 2, 12_352)
    assert market.digest() == rest["digest"]
    assert market.obstacles() == []
    [hold] = market.rows("dora", "select * from finance.seller_holds")
    assert (hold["seller_id"], hold["held_by"]) == ("s10", "ana")
    market.freeze()
    paid = market.lines("seller_id", "state <> 'rejected'")
    assert paid == [("s1",), ("s2",)]


def test_nobody_is_held_where_the_rest_is_not_what_was_shown(market: Market) -> None:
    refused_batch(market)
    [rest] = market.rows("dora", REST)
    market.rows("cem", "select finance.hold_seller('s2', 'since it was shown')")
    assert "review again and approve what you saw" in market.refusal(
        "ana", APPROVE_REST, rest["digest"]
    )
    held = market.rows("dora", "select seller_id from finance.seller_holds")
    assert held == [{"seller_id": "s2"}]
    assert "permission denied" in market.refusal("dora", APPROVE_REST, rest["digest"])


def test_there_is_no_rest_where_the_rail_named_nobody(market: Market) -> None:
    assert market.rows("dora", REST)[0]["digest"] is None
    refused = (
        "the rail named no seller when it answered the latest batch of 2026-W47: nobody is held"
    )
    assert market.refusal("ana", APPROVE_REST, "x").startswith(refused)


@pytest.mark.parametrize("status", [401, 403, 404, 409])
def test_a_refusal_that_is_not_about_the_batch_leaves_it_unknown(
    market: Market, status: int
) -> None:
    with rail(auto_approve=False) as url:
        with odd_rail(url, lambda request, body: JSONResponse(REFUSED, status)) as odd:
            said = stopped(market, odd)
        assert said == (
            f"the rail stopped the batch of 2026-W47: HTTP {status}, not so; it may or may not have"
            " it: ask halfin, then run settle pay 2026-W47 again, it asks with the same key"
        )
        assert market.state() == ["unknown"]
        assert market.lines("state, returned_at") == [("frozen", None)] * 3
        assert market.rows("dora", "select kind, message from finance.alerts") == [
            {"kind": "stopped", "message": said}
        ]
        market.pay(url)
        paid_once(market, url)


def test_a_key_that_the_rail_knows_with_another_body_stops_it(market: Market) -> None:
    batch = market.freeze()
    [call] = market.rows(ORCHESTRATOR, "select * from finance.next_call(%s)", batch)
    body = exact_bytes(market, batch)
    other = body.replace(b"123.450000", b"123.460000")
    with rail(auto_approve=False) as url:
        post = {"headers": {"X-API-Key": KEY}, "trust_env": False}
        httpx.post(url + call["path"], content=other, **post).raise_for_status()
        assert "HTTP 409" in stopped(market, url)
    assert market.state() == ["unknown"]


def test_a_second_attempt_meets_the_first_at_the_rail(market: Market) -> None:
    """The rail said no and had taken it all the same: it is not paid again under another key."""
    refused = {"error": {"code": "validation_error", "message": "No", "details": []}}

    def lie(request: Request, body: bytes) -> Response:
        forward(url, request, body)
        return JSONResponse(refused, 400)

    with rail(auto_approve=False) as url:
        with odd_rail(url, lie) as odd:
            assert "nothing was paid" in stopped(market, odd)
        market.approve("ana")
        assert "HTTP 409" in stopped(market, url)
        assert (market.state(), books(url)["payouts"]) == (["rejected", "unknown"], 3)


def test_a_lost_answer_is_asked_for_with_the_same_bytes(market: Market) -> None:
    with rail(accept_then_drop_rate=1.0, fault_limit=1, auto_approve=False) as url:
        said = stopped(market, url)
        assert said.startswith("the batch of 2026-W47 has no certain answer (HTTP 0, ")
        assert said.endswith("run settle pay 2026-W47 again, it asks with the same key")
        assert (market.state(), books(url)["batches"]) == (["unknown"], 1)
        assert market.pay(url).is_new is True
        paid_once(market, url)


def test_a_low_balance_after_a_lost_answer_may_be_our_own_doing(market: Market) -> None:
    low = {"error": {"code": "invalid_state", "message": "too low", "details": []}}
    answers = iter([Response(status_code=500), JSONResponse(low, 400)])
    with rail(auto_approve=False) as url:
        with odd_rail(url, lambda request, body: next(answers)) as odd:
            assert "has no certain answer" in stopped(market, odd)
            assert "the rail stopped the batch" in stopped(market, odd)
        assert (market.state(), market.kinds("alerts")) == (["unknown"], ["stopped", "unknown"])
        assert market.lines("state, returned_at") == [("frozen", None)] * 3
        market.pay(url)
        paid_once(market, url)
    assert market.value("dora", "select count(*) from finance.call_attempts") == 3


@pytest.mark.parametrize("odd", [b"\0\xff\0", b"", b"<html>", b'{"data": {"id": "b"}}', b"{}}"])
def test_a_success_that_cannot_be_read_is_none(market: Market, odd: bytes) -> None:
    with rail(auto_approve=False) as url:
        with odd_rail(url, lambda request, body: Response(odd, 201)) as server:
            assert "has no certain answer (HTTP 201, " in stopped(market, server)
        assert market.state() == ["unknown"]
        market.pay(url)
        paid_once(market, url)


def test_the_key_is_in_no_row(market: Market) -> None:
    echo = {"error": {"code": "unauthorized", "message": f"{KEY} is unknown", "details": []}}
    with rail() as url, odd_rail(url, lambda request, body: JSONResponse(echo, 401)) as odd:
        assert "HTTP 401, [key] is unknown; " in stopped(market, odd)
    for table in ("call_attempts", "alerts", "payout_batches"):
        found = market.value("dora", f"select string_agg(t::text, '') from finance.{table} as t")
        assert "[key] is unknown" in found
        assert KEY not in found


@pytest.mark.parametrize("is_taken", [False, True], ids=["before it is taken", "after"])
def test_no_transaction_is_open_across_the_network(market: Market, is_taken: bool) -> None:
    arrived, killed = threading.Event(), threading.Event()
    with rail(auto_approve=False) as url:

        def hold(request: Request, body: bytes) -> Response:
            if is_taken:
                forward(url, request, body)
            arrived.set()
            killed.wait(60)
            return Response(status_code=500)

        with odd_rail(url, hold) as slow:
            process = market.settle("pay", WINDOW, HALFIN_BASE_URL=slow)
            try:
                assert arrived.wait(60), "nothing was sent"
                assert market.rows(OWNER, SESSIONS) == [{"state": "idle"}]
            finally:
                process.kill()
                process.communicate()
                killed.set()
        assert (market.state(), books(url)["batches"]) == (["submitting"], int(is_taken))
        market.pay(url)
        paid_once(market, url)
