"""A call whose lines people decide: it is sent no more, and ends with the last of them."""

import json
from collections.abc import Iterator

import httpx
import pytest

from orchestrator.errors import SettleError
from tests.functions.lines.resolving import CONFLICT, both, calls, line, refused
from tests.functions.market import DUE, WINDOW, Market, books, rail
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.rail_events import BEGIN, COMPLETED, LINE, concluded, payout, receive, take
from tests.functions.situations import frozen
from tests.halfin.sandbox import KEY


@pytest.fixture
def market() -> Iterator[Market]:
    """A line that was sent and has no outcome."""
    with frozen() as market:
        yield market


@pytest.mark.parametrize(
    ("outcome", "call", "batch", "state"),
    [
        ("failed", "rejected", "rejected", ("rejected", DUE, None)),
        ("completed", "accepted", "accepted", ("completed", None, None)),
    ],
)
def test_a_call_that_stays_unknown_ends_with_its_lines(
    market: Market, outcome: str, call: str, batch: str, state: tuple[object, ...]
) -> None:
    """409: sending it again tells nothing new."""
    assert concluded(market, 409, CONFLICT)["batch_state"] == "unknown"
    both(market, outcome)
    assert (calls(market), market.state(), line(market)) == ([call], [batch], state)
    assert market.rows(ORCHESTRATOR, "select * from finance.next_call(1)") == []


def test_nothing_is_sent_after_peoples_word() -> None:
    """Of three lines one is decided: its call goes out no more, and ends with the others."""
    with Market.open() as market, rail() as url:
        market.approved()
        market.freeze()
        assert concluded(market, 409, CONFLICT)["batch_state"] == "unknown"
        both(market, "failed", "s2")
        assert "is sent no more" in market.refusal(ORCHESTRATOR, BEGIN, 1)
        assert "decide the others so too" in market.refusal(
            "ana", "select finance.declare_rejected('2026-W47', 'not there')"
        )
        with pytest.raises(
            SettleError, match="decide the others too, settle resolve 2026-W47 SELL"
        ):
            market.pay(url)
        assert books(url)["payouts"] == 0
        both(market, "failed", "s1")
        assert market.state() == ["unknown"]
        both(market, "completed", "s10")
        assert (calls(market), market.state()) == (["accepted"], ["accepted"])
        assert market.lines("seller_id, state") == [
            ("s1", "failed"),
            ("s10", "completed"),
            ("s2", "failed"),
        ]


def test_a_call_whose_run_was_killed_is_left_to_people_once_they_have_decided_a_line() -> None:
    """The rail told of one line alone, and that came back: the others must not hang for ever."""
    with Market.open() as market, rail() as url:
        market.approved()
        market.freeze()
        market.rows(ORCHESTRATOR, BEGIN, 1)
        take(market, "completed", "failed")
        of_s10 = payout(market, "s10", id="of s10", status="failed")
        receive(market, "payout.failed", **of_s10)  # which only a look-up confirms
        both(market, "returned", "s2")
        assert "its call is sending: run settle pay" in refused(market, "failed", seller="s1")
        with pytest.raises(
            SettleError, match="decide the others too, settle resolve 2026-W47 SELL"
        ):
            market.pay(url)
        assert (calls(market), market.state()) == (["unknown"], ["unknown"])
        assert "unknown" in market.kinds("alerts")
        asked = market.rows(ORCHESTRATOR, "select path, rail_id from finance.open_lookups()")
        assert asked == [{"path": "/v1/payouts", "rail_id": "of s10"}]
        body = json.dumps({"data": {"id": "b", "payouts": [of_s10]}}).encode()
        assert market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", body) == 1
        both(market, "failed", "s1")
        assert (calls(market), market.state()) == (["accepted"], ["accepted"])
        assert books(url)["payouts"] == 0


def test_a_call_ends_with_the_last_outcome_whoever_tells_it() -> None:
    """People decide one of its lines, webhooks tell of the others: nothing is left to wait for."""
    with Market.open() as market, rail() as url:
        market.approved()
        market.freeze()
        assert concluded(market, 409, CONFLICT)["batch_state"] == "unknown"
        both(market, "failed", "s2")
        for seller in ("s1", "s10"):
            shown = payout(market, seller, id=f"of {seller}", status="completed")
            receive(market, "payout.completed", **shown | COMPLETED)
        assert (calls(market), market.state()) == (["unknown"], ["unknown"])
        assert market.pay(url).state == "accepted"
        assert (calls(market), market.state()) == (["accepted"], ["accepted"])
        assert books(url)["payouts"] == 0


@pytest.mark.parametrize("is_told", [True, False])
def test_a_call_that_a_restore_forgot_ends_with_its_lines(is_told: bool) -> None:
    """Nothing of it was ever sent here, the rail tells of it, and people decide a line of it."""
    with Market.open() as market, rail() as url:
        market.approved()
        market.freeze()
        take(market, "completed", "failed")
        both(market, "returned", "s2")
        assert (calls(market), market.state()) == (["ready"], ["frozen"])
        why = "was not sent and is not, .*: take the others back, settle withdraw 2026-W47"
        for _ in range(2):
            with pytest.raises(SettleError, match=why):
                market.pay(url)
        assert market.kinds("alerts").count("not_sent") == 1
        if is_told:
            for seller in ("s1", "s10"):
                shown = payout(market, seller, id=f"of {seller}", status="completed")
                receive(market, "payout.completed", **shown | COMPLETED)
            assert market.pay(url).state == "accepted"
        else:
            market.rows("ana", "select finance.withdraw_batch(%s, 'as it says')", WINDOW)
        assert market.state() == ["accepted" if is_told else "rejected"]
        assert books(url)["payouts"] == 0


def test_a_late_response_names_the_payouts_of_a_decided_call(market: Market) -> None:
    """Two attempts; one ends in 409, people decide, and the other's acceptance arrives."""
    late = market.value(ORCHESTRATOR, BEGIN, 1)
    other = market.value(ORCHESTRATOR, BEGIN, 1)
    end = "select finance.end_attempt(1, 1, %s, %s, true, null)"
    take_chunk = "select finance.append_response_chunk(1, 1, %s, %s)"
    market.rows(ORCHESTRATOR, take_chunk, other, CONFLICT.encode())
    market.rows(ORCHESTRATOR, end, other, 409)
    market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 1)")
    both(market, "completed")
    shown = {k: v for k, v in payout(market, status="completed").items() if k != "metadata"}
    body = json.dumps({"data": {"id": "b", "payouts": [shown | COMPLETED]}}).encode()
    market.rows(ORCHESTRATOR, take_chunk, late, body)
    market.rows(ORCHESTRATOR, end, late, 201)
    market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 1)")
    assert market.lines("state, payout_id, tx_hash") == [("completed", shown["id"], "0xfeed")]


def test_a_rail_that_answers_409_for_ever_is_ended_by_people() -> None:
    """Over HTTP: the key was taken by another request, so this call can never be accepted."""
    with Market.open() as market, rail() as url:
        market.approved(LINE)
        market.freeze()
        [key] = market.rows("dora", "select idempotency_key as it from finance.payout_calls")
        taken(url, key["it"])
        with pytest.raises(SettleError, match="HTTP 409"):
            market.pay(url)
        both(market, "failed")
        assert market.state() == ["rejected"]


def taken(url: str, key: str) -> None:
    """Somebody has used the call's key for something else."""
    shown = {"currency": "USDT_TRC20", "amount": "1.00", "destination": LINE.wallet}
    httpx.post(
        f"{url}/v1/payouts/batch",
        json={"idempotency_key": key, "payouts": [shown]},
        headers={"X-API-Key": KEY},
        trust_env=False,
    ).raise_for_status()
