"""Where two people decide by one word each: whose word counts, and until when."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.functions.attempts import Try, begin, conclude, end
from tests.functions.market import DUE, WINDOW, Line, Market
from tests.functions.payment_server import OWNER
from tests.functions.rail_events import LINE

DECLARE = "select finance.declare_rejected(%s, 'halfin does not have it')"
RESOLVE = "select finance.resolve_line(%s, %s, 'failed', 'halfin says so')"


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch without a certain response."""
    with Market.open() as market:
        market.approved(LINE)
        market.freeze()
        try_again(market)
        yield market


def try_again(market: Market) -> None:
    end(market, begin(market), Try(0))
    assert conclude(market) == "unknown"


@contextmanager
def without(market: Market, person: str) -> Iterator[None]:
    """Somebody has left meanwhile."""
    market.rows(OWNER, f"revoke settle_finance from {person}")
    try:
        yield
    finally:
        market.rows(OWNER, f"grant settle_finance to {person}")


@pytest.mark.parametrize("query", [DECLARE, RESOLVE])
def test_what_was_said_before_the_rail_was_asked_again_counts_no_more(
    market: Market, query: str
) -> None:
    """It was true of the first attempt; the second one the rail has, and one person denied it."""
    about = [WINDOW, LINE.seller][: query.count("%s")]
    assert market.value("ben", query, *about) == 1
    market.at(DUE + timedelta(minutes=5))
    try_again(market)
    market.at(DUE + timedelta(minutes=10))
    assert market.value("ana", query, *about) == 1
    assert (market.state(), market.lines("state")) == (["unknown"], [("frozen",)])
    assert market.value("ben", query, *about) == 2


@pytest.mark.parametrize("query", [DECLARE, RESOLVE])
def test_the_word_of_who_has_left_counts_no_more(market: Market, query: str) -> None:
    about = [WINDOW, LINE.seller][: query.count("%s")]
    assert market.value("cem", query, *about) == 1
    with without(market, "cem"):
        assert market.value("ana", query, *about) == 1
        assert market.state() == ["unknown"]
        assert market.value("ben", query, *about) == 2


@pytest.mark.parametrize("query", [DECLARE, RESOLVE])
def test_one_person_says_it_once(market: Market, query: str) -> None:
    about = [WINDOW, LINE.seller][: query.count("%s")]
    assert [market.value("ana", query, *about) for _ in range(3)] == [1, 1, 1]
    assert market.state() == ["unknown"]


def test_a_pause_takes_two_who_are_there(market: Market) -> None:
    market.rows("ana", "select finance.pause_payouts('look')")
    resume = "select finance.resume_payouts('fine')"
    assert market.value("cem", resume) is False
    with without(market, "cem"):
        assert [market.value("ana", resume) for _ in range(2)] == [False, False]
        assert market.value("ben", resume) is True


def test_a_break_of_money_that_left_takes_two_who_are_there(market: Market) -> None:
    market.rows(OWNER, "select finance.open_break('ledger_without_line', 'p1', 'who is it?')")
    close = "select finance.close_break(1, 'found')"
    assert market.value("cem", close) is False
    with without(market, "cem"):
        assert market.value("ana", close) is False
        assert market.value("ben", close) is True


def test_a_failed_check_takes_two_who_are_there() -> None:
    accept = f"select finance.accept_check('{WINDOW}', 'conservation', 'looked into it')"
    with Market.open() as market:
        market.close(Line("s1", 100))
        market.rows(OWNER, "update handover.window_checks set is_passed = false")
        assert market.value("cem", accept) == 1
        with without(market, "cem"):
            assert market.value("ana", accept) == 1
            assert market.value("ben", accept) == 2
