"""What several tries of one call add up to: earlier doubts, open tries, two runs at once."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.functions.attempts import (
    CODES,
    TAKEN,
    Try,
    begin,
    conclude,
    end,
    leads_to,
    refusal,
    verdict,
)
from tests.functions.market import Market
from tests.functions.rail_events import COMPLETED, FAILED, receive
from tests.functions.situations import frozen


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch of one line that is about to be sent; it has the number 1."""
    with frozen() as market:
        yield market


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([Try(500)], "stopped"),
        ([Try(503, refusal())], "stopped"),
        ([Try(0, "ReadTimeout")], "stopped"),
        ([Try(0, "ConnectError", was_sent=False)], "rejected"),
        ([Try(429, was_sent=False)], "rejected"),
        ([Try(429), Try(0, was_sent=False), Try(429)], "rejected"),
        ([Try(429), Try(500), Try(429)], "stopped"),
        ([Try(201, '{"data": {"id": "b", "pay')], "stopped"),
        ([Try(500), Try(429), Try(400, refusal())], "stopped"),
        ([Try(302)], "stopped"),
        ([Try(403, refusal("forbidden"))], "stopped"),
        ([Try(409, refusal("conflict"))], "stopped"),
        ([Try(400, refusal())], "rejected"),
        ([Try(400, refusal("invalid_state")), Try(429)], "rejected"),
        ([Try(400, "<html>")], "stopped"),
        ([Try(400, refusal("conflict"))], "stopped"),
    ],
    ids=str,
)
def test_a_refusal_after_a_try_that_may_have_been_taken_is_stopped(
    market: Market, code: str, earlier: list[Try], expected: str
) -> None:
    """That the balance is too low may be our own doing."""
    assert verdict(market, *earlier, Try(400, refusal(code))) == expected
    leads_to(market, expected)


def test_a_doubt_outlives_the_run_that_met_it(market: Market) -> None:
    assert verdict(market, Try(500)) == "unknown"
    assert verdict(market, Try(400, refusal("invalid_state"))) == "stopped"
    assert verdict(market, Try(400, refusal("invalid_state"))) == "stopped"
    leads_to(market, "stopped", "stopped", "stopped", "unknown")
    assert verdict(market, Try(200, TAKEN)) == "accepted"
    leads_to(market, "accepted", "stopped", "stopped", "unknown")


@pytest.mark.parametrize("last", [Try(500), Try(0), Try(429)], ids=str)
def test_a_refusal_that_was_not_the_last_word_is_unknown(market: Market, last: Try) -> None:
    assert verdict(market, Try(400, refusal()), last) == "unknown"
    leads_to(market, "unknown")


def test_a_refusal_while_another_try_is_open_is_stopped(market: Market) -> None:
    """A run was killed, or still waits: its try may be taken."""
    first = begin(market)
    assert verdict(market, Try(400, refusal())) == "stopped"
    leads_to(market, "stopped")
    end(market, first, Try(400, refusal()))
    assert conclude(market) == "rejected"
    leads_to(market, "rejected", "rejected", "stopped")
    assert conclude(market) == "rejected"
    leads_to(market, "rejected", "rejected", "stopped")


@pytest.mark.parametrize("other", [Try(500), Try(0), Try(403), Try(400, refusal())], ids=str)
@pytest.mark.parametrize("is_taken_first", [True, False])
@pytest.mark.parametrize("is_heard_first", [True, False])
def test_of_two_runs_at_once_a_success_is_believed(
    market: Market, other: Try, is_taken_first: bool, is_heard_first: bool
) -> None:
    tries = [begin(market), begin(market)]
    taken, odd = tries if is_taken_first else reversed(tries)
    answers = [(taken, Try(201, TAKEN)), (odd, other)]
    heard = []
    for attempt, answer in answers if is_heard_first else reversed(answers):
        end(market, attempt, answer)
        heard.append(conclude(market))
    doubt = "unknown" if other.http_status in (0, 500) else "stopped"
    assert heard == (["accepted", "accepted"] if is_heard_first else [doubt, "accepted"])
    leads_to(market, "accepted", *([] if is_heard_first else [doubt]))


def test_two_runs_that_hear_the_same_take_it_once(market: Market) -> None:
    for attempt in (begin(market), begin(market)):
        end(market, attempt, Try(200, TAKEN))
        assert conclude(market) == "accepted"
    leads_to(market, "accepted")
    events = market.rows("dora", "select kind from finance.line_events order by line_event_id")
    assert [event["kind"] for event in events] == ["frozen", "submitted"]


@pytest.mark.parametrize("is_cut_first", [True, False])
def test_an_acceptance_counts_for_more_than_a_success_that_was_cut(
    market: Market, is_cut_first: bool
) -> None:
    tries = [Try(201, '{"data": {"id": "b", "pay'), Try(200, TAKEN)]
    assert verdict(market, *(tries if is_cut_first else reversed(tries))) == "accepted"
    leads_to(market, "accepted")


def test_a_success_that_was_cut_hides_nothing_that_comes_after_it(market: Market) -> None:
    assert verdict(market, Try(201, '{"data": {"id"'), Try(401, refusal(message="x"))) == "stopped"
    assert "HTTP 401, x; " in market.value("dora", "select message from finance.alerts")


def test_two_runs_that_are_refused_reject_it_once(market: Market) -> None:
    for attempt in (begin(market), begin(market)):
        end(market, attempt, Try(400, refusal()))
    assert [conclude(market), conclude(market)] == ["rejected", "rejected"]
    leads_to(market, "rejected")


@pytest.mark.parametrize(
    ("event", "told", "state"),
    [("completed", COMPLETED, "completed"), ("failed", FAILED, "failed")],
)
def test_a_refusal_after_the_rail_has_spoken_of_a_payout_is_stopped(
    market: Market, event: str, told: dict[str, Any], state: str
) -> None:
    """The webhook was first: the rail has the batch, whatever it says now."""
    attempt = begin(market)
    receive(market, f"payout.{event}", **told)
    end(market, attempt, Try(400, refusal()))
    assert conclude(market) == "stopped"
    assert (market.state(), market.kinds("alerts")) == (["unknown"], ["stopped"])
    assert market.lines("state, returned_at") == [(state, None)]
