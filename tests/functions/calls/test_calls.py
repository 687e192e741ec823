"""Several calls a batch: in chunks, or line by line where the rail has no batches."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from tests.functions.market import (
    DUE,
    NEXT_WINDOW,
    WINDOW,
    Line,
    Market,
    books,
    forward,
    odd_rail,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.rail_events import payout
from tests.functions.situations import due

FIVE = tuple(Line(f"s{n}", 1000 + n, "SPL") for n in range(5))
CHUNKS, LINE_BY_LINE = {"halfin_max_lines_per_call": 2}, {"halfin_max_lines_per_call": 1}
REFUSED = {"error": {"code": "validation_error", "message": "No", "details": []}, "meta": {}}


@pytest.fixture
def market() -> Iterator[Market]:
    """Five lines that are approved and due."""
    with due(*FIVE) as market:
        yield market


def calls(market: Market) -> list[tuple[int, str, str, int]]:
    query = "select sequence, path, state, line_count from finance.payout_calls order by sequence"
    return [tuple(row.values()) for row in market.rows("dora", query)]


def answering(url: str, answers: dict[int, Response]) -> Callable[[Request, bytes], Response]:
    """The n-th POST, from 1, is answered as given, every other one by the sandbox."""
    seen = iter(range(1, 1000))
    return lambda request, body: answers.get(next(seen)) or forward(url, request, body)


def test_chunks_are_written_first_and_sent_in_order(market: Market) -> None:
    with rail(auto_approve=False) as url:
        assert market.pay(url, **CHUNKS).state == "accepted"
        assert (books(url)["batches"], books(url)["payouts"]) == (3, 5)
        assert market.pay(url, **CHUNKS).is_new is False
    batch = "/v1/payouts/batch"
    assert calls(market) == [
        (1, batch, "accepted", 2), (2, batch, "accepted", 2), (3, batch, "accepted", 1)
    ]  # fmt: skip
    keys = market.rows("dora", "select idempotency_key as k from finance.payout_calls order by 1")
    assert [row["k"].partition(WINDOW)[2] for row in keys] == [
        "/run-1/1/1",
        "/run-1/1/2",
        "/run-1/1/3",
    ]
    assert market.lines("call_sequence, state") == [
        (n // 2 + 1, "submitted") for n in range(len(FIVE))
    ]
    bodies = market.rows("dora", "select body from finance.payout_calls order by sequence")
    sellers = [p["metadata"]["seller_id"] for b in bodies for p in json.loads(b["body"])["payouts"]]
    assert sellers == [line.seller for line in FIVE]


def test_line_by_line_uses_the_documented_call(market: Market) -> None:
    bodies: list[dict[str, Any]] = []

    def see(request: Request, body: bytes) -> Response:
        assert request.url.path == "/api/v1/payouts"
        bodies.append(json.loads(body))
        return forward(url, request, body)

    with rail(auto_approve=False) as url:
        with odd_rail(url, see) as odd:
            assert market.pay(odd, **LINE_BY_LINE).state == "accepted"
        assert (books(url)["batches"], books(url)["payouts"]) == (0, 5)
    assert [b["metadata"]["seller_id"] for b in bodies] == [line.seller for line in FIVE]
    assert {(b["currency"], b["idempotency_key"].count("/")) for b in bodies} == {("USDT_SPL", 3)}
    assert market.lines("state") == [("submitted",)] * 5


@pytest.mark.parametrize("mode", [CHUNKS, LINE_BY_LINE])
def test_a_run_that_ends_in_the_middle_goes_on_there(market: Market, mode: dict[str, int]) -> None:
    with rail(auto_approve=False) as url:
        with (
            odd_rail(url, answering(url, {2: Response(status_code=503)})) as odd,
            pytest.raises(SettleError, match="has no certain answer"),
        ):
            market.pay(odd, **mode)
        states = Counter(state for _, _, state, _ in calls(market))
        assert (states["accepted"], states["unknown"], market.state()) == (1, 1, ["unknown"])
        # Another mode changes nothing: what was written down is what is sent.
        market.pay(url)
        assert (market.state(), books(url)["payouts"]) == (["accepted"], 5)
    assert {state for _, _, state, _ in calls(market)} == {"accepted"}


def test_a_refused_line_of_several_calls_is_a_failed_line(market: Market) -> None:
    said = REFUSED | {
        "error": REFUSED["error"] | {"message": "Bad", "details": ["destination: is on a list"]}
    }
    with rail(auto_approve=False) as url:
        with odd_rail(url, answering(url, {3: JSONResponse(said, 400)})) as odd:
            assert market.pay(odd, **LINE_BY_LINE).state == "accepted"
        assert books(url)["payouts"] == 4
    assert market.lines("seller_id, state, failure_code, failure_reason, returned_at") == [
        (line.seller, "failed", "refused", "destination: is on a list", DUE)
        if line.seller == "s2"
        else (line.seller, "submitted", None, None, None)
        for line in FIVE
    ]
    assert market.value("dora", "select message from finance.alerts") == (
        "the rail refused call 3 of 2026-W47, its lines came back:"
        " Bad (seller s2: destination: is on a list)"
    )


def test_a_refused_chunk_tells_its_lines_apart(market: Market) -> None:
    error = REFUSED["error"] | {"details": ["payouts[1].amount: is too small"]}
    with (
        rail(auto_approve=False) as url,
        odd_rail(url, answering(url, {1: JSONResponse({"error": error}, 400)})) as odd,
    ):
        assert market.pay(odd, **CHUNKS).state == "accepted"
        assert (books(url)["batches"], books(url)["payouts"]) == (3, 4)
    assert market.lines("seller_id, failure_code, failure_reason", "state = 'failed'") == [
        ("s1", "refused", "amount: is too small"),
    ]


def test_all_calls_refused_is_a_rejected_batch(market: Market) -> None:
    with rail(auto_approve=False) as url:
        with (
            odd_rail(url, lambda request, body: JSONResponse(REFUSED, 400)) as odd,
            pytest.raises(SettleError, match="the rail rejected the batch of 2026-W47: No"),
        ):
            market.pay(odd, **LINE_BY_LINE)
        assert market.state() == ["rejected"]
        assert market.lines("state, returned_at") == [("rejected", DUE)] * 5
        market.approve("ana")
        market.pay(url)
        assert (market.state(), books(url)["payouts"]) == (["rejected", "accepted"], 5)


def test_a_stop_in_the_middle_keeps_the_rest_for_later(market: Market) -> None:
    forbidden = JSONResponse({"error": {"code": "forbidden", "message": "payouts:write"}}, 403)
    with rail(auto_approve=False) as url:
        with (
            odd_rail(url, answering(url, {2: forbidden})) as odd,
            pytest.raises(SettleError, match="HTTP 403, payouts:write; it may or may not have it"),
        ):
            market.pay(odd, **CHUNKS)
        assert [state for _, _, state, _ in calls(market)] == ["accepted", "unknown", "ready"]
        market.pay(url)
        assert (market.state(), books(url)["payouts"]) == (["accepted"], 5)


def test_people_declare_the_unknown_calls_rejected_and_no_others(market: Market) -> None:
    with rail(auto_approve=False) as url:
        lost = answering(url, {2: Response(status_code=500)})
        with odd_rail(url, lost) as odd, pytest.raises(SettleError):
            market.pay(odd, **CHUNKS)
        declare = "select finance.declare_rejected('2026-W47', 'halfin has no call 2')"
        assert [market.value(who, declare) for who in ("ana", "ben")] == [1, 2]
    assert [state for _, _, state, _ in calls(market)] == ["accepted", "rejected", "rejected"]
    assert market.state() == ["accepted"]
    assert Counter(market.lines("state")) == {("submitted",): 2, ("failed",): 3}
    batch = market.value("dora", "select batch_id from finance.payout_batches")
    assert market.rows(ORCHESTRATOR, "select * from finance.next_call(%s)", batch) == []


def test_what_the_rail_took_after_people_called_it_lost_holds_its_sellers() -> None:
    """One of several calls came back, and the answer of a try under way names its payout."""
    with due(FIVE[0], FIVE[1]) as market:
        freeze = "select finance.freeze_batch(%s, 1)"
        batch = market.value(ORCHESTRATOR, freeze, WINDOW)
        attempts = [begin(market, batch, call) for call in (1, 2, 2)]
        end(market, batch, 1, attempts[0], 201, payout(market, "s0"))
        end(market, batch, 2, attempts[2], 500)
        assert market.state() == ["unknown"]
        declare = f"select finance.declare_rejected('{WINDOW}', 'halfin has no call 2')"
        assert [market.value(who, declare) for who in ("ana", "ben")] == [1, 2]
        end(market, batch, 2, attempts[1], 201, payout(market, "s1"))
        assert market.lines("seller_id, state") == [("s0", "submitted"), ("s1", "failed")]
        assert market.kinds("breaks") == ["contrary_outcome"]
        asked = "select rail_id from finance.open_lookups()"
        assert payout(market, "s1")["id"] in [
            a["rail_id"] for a in market.rows(ORCHESTRATOR, asked)
        ]
        # Its money is in the next week: while the first payout is on its way, it would be twice.
        market.close(FIVE[1], weeks=1)
        held = "select hold_reasons from finance.current_holds(%s)"
        assert market.value("dora", held, NEXT_WINDOW) == ["outcome_conflict"]


def begin(market: Market, batch: int, call: int) -> int:
    return int(market.value(ORCHESTRATOR, "select finance.begin_attempt(%s, %s)", batch, call))


def end(market: Market, batch: int, call: int, attempt: int, status: int, said: Any = None) -> None:
    """The answer to one try, and what it leads to."""
    body = json.dumps({"data": said}).encode()
    take = "select finance.append_response_chunk(%s, %s, %s, %s)"
    market.rows(ORCHESTRATOR, take, batch, call, attempt, body)
    ended = "select finance.end_attempt(%s, %s, %s, %s, true, null)"
    market.rows(ORCHESTRATOR, ended, batch, call, attempt, status)
    market.rows(ORCHESTRATOR, "select finance.conclude_call(%s, %s)", batch, call)


def test_a_certain_batch_is_not_declared_anything(market: Market) -> None:
    declare = "select finance.declare_rejected('2026-W47', 'x')"
    assert market.refusal("ana", declare).endswith(
        "has no batch, or it was rejected: nothing to resolve"
    )
    with rail(auto_approve=False) as url:
        market.pay(url)
    assert market.refusal("ana", declare) == (
        "the batch of 2026-W47 is accepted, not unknown: only the rail's answer moves it"
    )
