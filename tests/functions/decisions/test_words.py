"""Where two people decide by one word each: whose word counts, and until when."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from tests.functions.attempts import Try, begin, conclude, end, refusal
from tests.functions.market import CLOSE, DUE, NEXT_WINDOW, WEEK, WINDOW, Line, Market
from tests.functions.payment_server import OWNER
from tests.functions.rail_events import LINE
from tests.functions.situations import frozen

DECLARE = "select finance.declare_rejected(%s, 'halfin does not have it')"
RESOLVE = "select finance.resolve_line(%s, %s, 'failed', 'halfin says so')"


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch without a certain response."""
    with frozen() as market:
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


def test_who_declared_a_batch_rejected_does_not_approve_the_next_one_alone(market: Market) -> None:
    """In another window the rail has no key to know it by: what it has after all is paid twice."""
    assert market.value("cem", DECLARE, WINDOW) == 1  # true of the first attempt, and of no other
    market.at(DUE + timedelta(minutes=5))
    try_again(market)
    assert [market.value(who, DECLARE, WINDOW) for who in ("ana", "ben")] == [1, 2]
    market.approve("ana")
    alone = (
        "{} said that the rail does not have what {} pays again and is its only approver:"
        " somebody else must approve too"
    )
    assert market.obstacles() == [alone.format("ana", WINDOW)]
    market.close(LINE, weeks=1)
    market.at(DUE + WEEK)
    for person in ("ana", "ben"):
        market.approve(person, window=NEXT_WINDOW)
        assert market.obstacles(NEXT_WINDOW) == [alone.format(person, NEXT_WINDOW)]
        market.rows(person, "select finance.revoke_approval(%s)", NEXT_WINDOW)
    market.approve("cem", window=NEXT_WINDOW)
    assert market.obstacles(NEXT_WINDOW) == []
    market.freeze(NEXT_WINDOW)
    # It is about the payment that follows, and no later one.
    market.close(LINE, weeks=2)
    market.at(DUE + 2 * WEEK)
    market.approve("ana", window="2026-W49")
    assert market.obstacles("2026-W49") == []


def test_a_word_on_what_the_rail_itself_refused_keeps_nobody_from_approving() -> None:
    with frozen() as market:
        end(market, begin(market), Try(429))
        assert conclude(market) == "unknown"
        assert market.value("ana", DECLARE, WINDOW) == 1
        end(market, begin(market), Try(400, refusal()))
        assert conclude(market) == "rejected"
        market.approve("ana")
        assert market.obstacles() == []


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


PROPOSALS = {
    "adjustment": (
        "select finance.enter_adjustment('s1', 500, 'goodwill')",
        "select finance.approve_adjustment(%s)",
        "entered adjustment 1",
    ),
    "adjustments of a file": (
        "select finance.enter_adjustments("
        """'[{"line": 2, "seller_id": "s1", "amount": "5", "reason": "r"}]', 'file')""",
        "select finance.approve_adjustments(%s)",
        "entered adjustment 1",
    ),
    "reserve assignment": (
        "select finance.assign_reserve_policy('s1', 'elevated', 'risk')",
        "select finance.approve_reserve_assignment(%s)",
        "entered assignment 1",
    ),
    "reserve assignments of a file": (
        "select finance.assign_reserve_policies("
        """'[{"line": 2, "seller_id": "s1", "policy": "elevated"}]', 'file')""",
        "select finance.approve_reserve_assignments(%s)",
        "entered assignment 1",
    ),
    "limit": (
        "select finance.propose_policy('maximum_line', '', 1, 'meeting')",
        "select finance.confirm_policy(%s)",
        "proposed ",
    ),
    "go-live": (
        "select finance.propose_go_live('2026-W47', null, 'meeting')",
        "select finance.approve_go_live(%s)",
        "proposed go-live 1",
    ),
}
# What asks whose word counts. Another decision of two people is tested here, and joins.
ASKS = {
    *("adjustment_obstacle", "assignment_obstacle", "confirm_policy", "approve_go_live"),
    "approve_erasure",
    *("close_break", "declare_rejected", "resolve_line", "failed_checks"),
    *("resume_payouts", "pause_message", "approvals_covering"),
}


@pytest.mark.parametrize("name", PROPOSALS)
def test_nobody_agrees_to_what_somebody_proposed_who_has_left(name: str) -> None:
    propose, approve, did = PROPOSALS[name]
    with Market.open() as market:
        market.at(CLOSE)
        market.build(LINE)
        market.rows(
            OWNER,
            "insert into settlement_seeds.reserve_policies values"
            " ('elevated', '1970-01-01Z', 7, 0, 0)",
        )
        market.hand_over()
        number = market.value("cem", propose)
        with without(market, "cem"):
            refusal = market.refusal("ana", approve, number)
            assert refusal.startswith(f"cem {did}")
            assert "has left finance since: withdraw it and" in refusal
        market.rows("ana", approve, number)


def test_nobody_erases_whom_somebody_proposed_who_has_left() -> None:
    with Market.open() as market:
        market.at(CLOSE)
        market.build(LINE)
        market.rows(OWNER, "update marketplace.sellers set status = 'closed'")
        market.hand_over()
        market.rows("cem", "select finance.propose_erasure('s1', 'they asked')")
        with without(market, "cem"):
            refusal = market.refusal("ana", "select finance.approve_erasure('s1', '')")
        assert refusal.startswith("cem proposed to erase s1")
        assert "has left finance since: withdraw it and" in refusal


def test_an_approval_of_who_has_left_is_none() -> None:
    with Market.open() as market:
        market.close(LINE)
        market.approve("cem")
        with without(market, "cem"):
            assert market.rows("dora", "select * from finance.covering_approvals(%s)", WINDOW) == []


def test_who_lifts_a_block_of_who_has_left_is_not_the_only_approver() -> None:
    """Lifting is one person's word against another's: it is the payment that takes a second one."""
    with Market.open() as market:
        market.close(LINE)
        market.rows("cem", "select finance.block_wallet(%s, 'theft')", LINE.wallet)
        with without(market, "cem"):
            market.rows("ana", "select finance.unblock_wallet(%s, 'settled')", LINE.wallet)
            market.approve("ana")
            assert any("ana lifted the block" in obstacle for obstacle in market.obstacles())


def test_every_decision_of_two_people_asks_whose_word_counts() -> None:
    """The others compare no names: each has one home, where those who have left are left out."""
    with Market.open() as market:
        functions = market.rows(
            OWNER,
            "select p.proname, p.prosrc from pg_proc as p"
            " where p.pronamespace = 'finance'::regnamespace",
        )
    asking = {
        f["proname"]
        for f in functions
        if re.search(
            r"finance[.](is_in_finance|people_in_finance|second_person_obstacle)\(", f["prosrc"]
        )
    }
    assert asking - {"people_in_finance", "second_person_obstacle"} == ASKS
    columns = r"(entered|assigned|proposed|declared|resolved|accepted|resumed)_by"
    comparing = {
        f["proname"]
        for f in functions
        if re.search(rf"\w+[.]{columns} *(=|<>|is) *(v_person|p_person|session_user)", f["prosrc"])
        or re.search(rf"count\(distinct \w+[.]{columns}\)", f["prosrc"])
    }
    assert comparing == set()


def test_a_break_of_money_that_left_takes_two_who_are_there(market: Market) -> None:
    market.rows(OWNER, "select finance.open_break('ledger_without_line', 'p1', 'who is it?')")
    market.rows(OWNER, "insert into halfin.untold_payouts values ('p1', 404)")
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
