"""One line, by people: two decide it, and a contrary word of the rail holds the seller."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from orchestrator.settlement.reconcile import reconcile
from tests.functions.lines.resolving import RESOLVE, both, line, refused, say
from tests.functions.market import (
    DUE,
    LINES,
    NEXT_WINDOW,
    WEEK,
    WINDOW,
    Line,
    Market,
    books,
    eventually,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import (
    BEGIN,
    COMPLETED,
    LINE,
    answer,
    confirm,
    look_up,
    payout,
    receive,
    take,
)
from tests.functions.situations import frozen

HELD_BY = "select break_id from finance.holding_breaks()"
HOLDS = "select hold_reasons from finance.current_holds(%s, %s)"


@pytest.fixture
def market() -> Iterator[Market]:
    """A line that was sent and has no outcome."""
    with frozen() as market:
        yield market


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("failed", ("failed", DUE, None)), ("completed", ("completed", None, None))],
)
def test_two_people_decide_a_line_without_an_outcome(
    market: Market, outcome: str, expected: tuple[object, ...]
) -> None:
    take(market, "answer")
    assert say(market, "ana", outcome) == 1
    assert say(market, "ana", outcome) == 1  # the same person twice is one
    assert line(market) == ("submitted", None, None)
    assert say(market, "ben", outcome) == 2
    assert line(market) == expected
    assert "it is " in refused(market, outcome)
    assert "only the rail moves it" in refused(market, outcome)


def test_the_latest_word_of_each_person_counts(market: Market) -> None:
    take(market, "answer")
    assert say(market, "ana", "failed") == 1
    assert say(market, "ben", "completed") == 1
    assert say(market, "ana", "completed") == 2
    assert line(market) == ("completed", None, None)


def test_a_word_said_of_another_state_counts_no_more(market: Market) -> None:
    """Ana said failed before the rail did; after its return, that is not the same question."""
    take(market, "answer")
    assert say(market, "ana", "completed") == 1
    take(market, "completed", "failed", "confirmed")
    look_up(market, "processing")  # a break: the rail contradicts itself
    assert say(market, "ben", "completed") == 1
    assert line(market) == ("returned", DUE, None)


def test_a_word_is_spent_with_what_it_decided(market: Market) -> None:
    """Both said failed; the rail contradicts it and holds the seller, whom one would let go."""
    take(market, "answer", "failed")
    both(market, "failed")
    market.at(DUE + timedelta(days=1))
    look_up(market, "processing")
    assert say(market, "ana", "failed") == 1
    assert market.rows(OWNER, HELD_BY)
    assert say(market, "ben", "failed") == 2
    assert market.rows(OWNER, HELD_BY) == []


def test_a_word_said_before_the_rail_contradicted_itself_counts_no_more(market: Market) -> None:
    """Ben agreed with what the rail said first; of what it says since he knows nothing."""
    take(market, "answer", "failed")
    assert say(market, "ben", "failed") == 1
    look_up(market, "failed")
    look_up(market, "processing")
    assert say(market, "ana", "failed") == 1
    assert market.rows(OWNER, HELD_BY)


def test_people_say_that_a_paid_line_was_returned(market: Market) -> None:
    take(market, "answer", "completed")
    assert "only the rail moves it" in refused(market, "returned")
    take(market, "failed")  # a break is open
    assert "say --returned" in refused(market, "failed")
    both(market, "returned")
    assert line(market) == ("returned", DUE, None)
    assert market.rows("dora", "select * from finance.breaks where closed_at is null") == []


@pytest.mark.parametrize(
    ("outcome", "seller", "why"),
    [
        ("lost", "s1", "lost is not an outcome of a line: say failed, returned or completed"),
        ("failed", "s9", "seller s9 has no line in 2026-W47: nothing to resolve"),
        ("failed", "s1", "it was never sent: take it back with settle withdraw 2026-W47"),
    ],
)
def test_what_cannot_be_resolved_is_refused(
    market: Market, outcome: str, seller: str, why: str
) -> None:
    assert refused(market, outcome, seller=seller).endswith(why)
    assert market.rows("dora", "select * from finance.line_resolutions") == []


def test_a_line_whose_call_is_under_way_is_not_resolved(market: Market) -> None:
    market.rows(ORCHESTRATOR, BEGIN, 1)
    assert "run settle pay 2026-W47 first" in refused(market, "failed")


def test_only_what_was_paid_is_returned(market: Market) -> None:
    take(market, "answer")
    assert "only what was paid can be returned" in refused(market, "returned")


def test_an_analyst_decides_no_line(market: Market) -> None:
    take(market, "answer")
    assert "permission denied" in market.refusal("dora", RESOLVE, WINDOW, "s1", "failed")


def next_week(market: Market) -> list[str]:
    """What holds the seller's next row, which has the money again."""
    market.close(Line(LINE.seller, 23_456), Line("s2", 700, "SPL"), weeks=1)
    market.at(DUE + WEEK)
    [held] = market.rows("dora", HOLDS, NEXT_WINDOW, LINE.seller)
    return list(held["hold_reasons"])


@pytest.mark.parametrize("outcome", ["failed", "returned"])
def test_who_said_that_a_line_was_not_paid_does_not_approve_the_next_one_alone(
    market: Market, outcome: str
) -> None:
    take(market, "answer", *(["completed"] if outcome == "returned" else []))
    if outcome == "returned":
        receive(market, "payout.failed", status="failed")
    # A word that was not followed pays nobody.
    assert say(market, "cem", "completed") == 1
    both(market, outcome)
    market.close(LINE, weeks=1)
    market.at(DUE + WEEK)
    for person in ("ana", "ben"):
        market.approve(person, window=NEXT_WINDOW)
        assert market.obstacles(NEXT_WINDOW) == [
            f"{person} resolved a line of a seller whom 2026-W48 pays again and is its only"
            " approver: somebody else must approve too"
        ]
        market.rows(person, "select finance.revoke_approval(%s)", NEXT_WINDOW)
    market.approve("ana", "cem", window=NEXT_WINDOW)
    assert market.obstacles(NEXT_WINDOW) == []
    market.rows("ana", "select finance.revoke_approval(%s)", NEXT_WINDOW)
    assert market.obstacles(NEXT_WINDOW) == []
    market.freeze(NEXT_WINDOW)
    # It is about the payment that follows, and no later one.
    market.close(LINE, weeks=2)
    market.at(DUE + 2 * WEEK)
    market.approve("ana", window="2026-W49")
    assert market.obstacles("2026-W49") == []


@pytest.mark.parametrize("status", ["processing", "on_hold"])
def test_a_payout_that_is_under_way_after_peoples_word_holds_the_seller(
    market: Market, status: str
) -> None:
    take(market, "answer")
    both(market, "failed")
    assert look_up(market, status) == 0
    assert next_week(market) == ["outcome_conflict"]
    # Until the rail agrees.
    assert look_up(market, "failed") == 0
    assert market.rows("dora", HOLDS, NEXT_WINDOW, LINE.seller) == [{"hold_reasons": []}]


def test_what_completes_after_peoples_word_is_paid_and_holds_the_seller(market: Market) -> None:
    take(market, "answer")
    both(market, "failed")
    market.close(Line(LINE.seller, 23_456), weeks=1)
    market.at(DUE + WEEK)
    receive(market, "payout.completed", **COMPLETED)
    assert line(market) == ("completed", DUE, DUE + WEEK)
    [held] = market.rows("dora", HOLDS, NEXT_WINDOW, LINE.seller)
    assert held["hold_reasons"] == ["outcome_conflict"]


def test_what_fails_after_people_said_it_completed_holds_the_seller(market: Market) -> None:
    take(market, "answer")
    both(market, "completed")
    assert look_up(market, "failed") == 0
    assert confirm(market, "failed") == 0
    assert line(market) == ("completed", None, None)
    assert next_week(market) == ["outcome_conflict"]
    # And people look again.
    both(market, "returned")
    assert line(market) == ("returned", DUE + WEEK, None)


def test_what_the_ledger_shows_as_paid_is_paid_whatever_two_people_said() -> None:
    """Over HTTP: the line was believed lost, and the rail has paid it."""
    with Market.open() as market, rail(processing_delay_s=1.5) as url:
        market.approved()
        market.pay(url)
        both(market, "failed", "s1")
        eventually(lambda: books(url)["by_status"] == {"completed": len(LINES)})
        market.at(DUE + timedelta(hours=2))
        assert reconcile(market.at_rail(url)) == len(LINES)
        assert [state for (state,) in market.lines("state")] == ["completed"] * 3
        assert "completed_after_failed" in market.kinds("alerts")


@pytest.mark.parametrize("outcome", ["failed", "completed"])
def test_the_payout_of_a_resolved_line_is_known_once_the_rail_names_it(
    market: Market, outcome: str
) -> None:
    """It had left and come back: nobody may be kept from paying by what the ledger has of it."""
    answer(market, payout(market, id="another", idempotency_key="else", metadata={}))
    both(market, outcome)
    named = payout(market)["id"]
    entries = "insert into halfin.ledger_entries values ('USDT_TRC20', %s, %s, %s, %s, %s)"
    market.rows(OWNER, entries, "1", "payout", "-123.45", named, DUE)
    market.rows(OWNER, entries, "2", "payout_return", "123.45", named, DUE)
    market.rows(ORCHESTRATOR, "select finance.compare_books()")
    unknown = "select subject from finance.breaks where kind = 'ledger_without_line'"
    assert market.rows("dora", unknown + " and closed_at is null") == [{"subject": named}]
    look_up(market, "failed")
    assert market.lines("payout_id") == [(named,)]
    market.rows(ORCHESTRATOR, "select finance.compare_books()")
    assert market.rows("dora", unknown + " and closed_at is null") == []
