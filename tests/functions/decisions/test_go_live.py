"""Go-live: once, before the first close, by two people, and no window before it is closed."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.functions.market import CLOSE, LINES, MONDAY, STORE, WEEK, WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER

PROPOSE = "select finance.propose_go_live(%s, %s, 'the old system ends')"
APPROVE = "select finance.approve_go_live(%s)"
WITHDRAW = "select finance.withdraw_go_live(%s)"
BALANCES = [
    {"line": 2, "seller_id": "s1", "amount": "45.10"},
    {"line": 3, "seller_id": "s10", "amount": "-3"},
]


@pytest.fixture
def market() -> Iterator[Market]:
    """A window has ended, is built, and has no close; nor has any other."""
    with Market.open() as market:
        market.at(CLOSE)
        market.build(*LINES)
        market.hand_over()
        yield market


def propose(market: Market, window: str = WINDOW, *balances: dict[str, Any]) -> int:
    return int(market.value("ana", PROPOSE, window, json.dumps(balances)))


def stored(market: Market) -> list[int]:
    query = "select count(*) as n from finance.{}"
    return [market.value(OWNER, query.format(t)) for t in ("go_lives", "opening_balances")]


def test_go_live_takes_two_people_and_happens_once(market: Market) -> None:
    number = propose(market, WINDOW, *BALANCES)
    assert market.refusal("ana", APPROVE, number) == (
        f"ana proposed go-live {number}: somebody else must approve it"
    )
    assert market.refusal("ben", PROPOSE, WINDOW, None) == (
        f"go-live {number} with {WINDOW} waits for approval: withdraw it before another one is"
        " proposed"
    )
    market.rows("ben", APPROVE, number)
    [row] = market.rows("dora", "select * from finance.go_lives")
    assert (row["payout_window"], row["starts_at"]) == (WINDOW, MONDAY)
    assert (row["proposed_by"], row["approved_by"]) == ("ana", "ben")
    assert market.refusal("cem", APPROVE, number) == f"go-live {number} was approved by ben before"
    assert market.refusal("cem", WITHDRAW, number) == (
        f"go-live {number} is not open: see settle go-live list"
    )
    assert market.refusal("cem", PROPOSE, "2026-W46", None) == (
        f"this marketplace goes live with {WINDOW}, as ana and ben agreed: that is decided once"
    )
    balances = market.rows("dora", "select seller_id, amount_minor from finance.opening_balances")
    assert balances == [
        {"seller_id": "s1", "amount_minor": 4510},
        {"seller_id": "s10", "amount_minor": -300},
    ]


def test_a_withdrawn_go_live_is_gone_and_another_may_be_proposed(market: Market) -> None:
    first = propose(market, "2026-W46")
    market.rows("ben", WITHDRAW, first)
    assert market.refusal("ben", APPROVE, first) == (
        f"go-live {first} was withdrawn by ben: propose it again"
    )
    market.rows("ben", APPROVE, propose(market))
    assert market.refusal("ben", APPROVE, 99) == "there is no go-live 99: see settle go-live list"


def test_each_bad_row_of_the_balances_is_named_and_nothing_is_stored(market: Market) -> None:
    rows = [
        {"line": 2, "seller_id": "s1", "amount": "1.00"},
        {"line": 3, "seller_id": "nobody", "amount": "1.00"},
        {"line": 4, "seller_id": "s1", "amount": "2.00"},
        {"line": 5, "seller_id": "s10", "amount": "1.005"},
        {"line": 6, "seller_id": "s2", "amount": "0.00"},
        {"line": 7, "amount": "1e3"},
        {"line": 8, "seller_id": "S2", "amount": "1000000000000"},
    ]
    assert market.faults("ana", PROPOSE, WINDOW, json.dumps(rows)) == [
        "line 3: seller_id: no such seller is known; load the seller first, or fix the id",
        "line 4: seller_id: is on line 2 too; keep one of the two",
        "line 5: amount: has more than two decimals; round it or fix the export",
        "line 6: amount: is 0, which changes nothing; leave the row out",
        "line 7: amount: is not an amount; write it like 12.50 or -3.00",
        "line 7: seller_id: is empty; every row needs one",
        "line 8: amount: is out of range; the largest amount is 999999999999.99",
        "line 8: seller_id: no such seller is known; load the seller first, or fix the id",
    ]
    assert stored(market) == [0, 0]


@pytest.mark.parametrize(
    ("window", "why"),
    [
        ("2026-W54", "2026-W54 is not an ISO week; write it like 2026-W47"),
        ("2026-47", "2026-47 is not an ISO week; write it like 2026-W47"),
        (
            "2026-W49",
            "window 2026-W49 begins at 2026-11-30 00:00:00+00, and what is owed then is not known"
            " before: propose its go-live then",
        ),
        (
            "2025-W46",
            f"window 2025-W46 is more than a year before {WINDOW}, the first window of what is"
            " loaded: check the year",
        ),
    ],
)
def test_windows_with_which_nobody_goes_live(market: Market, window: str, why: str) -> None:
    assert market.refusal("ana", PROPOSE, window, None) == why
    assert stored(market) == [0, 0]


def test_the_open_window_may_be_the_first(market: Market) -> None:
    market.rows("ben", APPROVE, propose(market, "2026-W48"))
    assert market.value("dora", "select starts_at from finance.go_lives") == MONDAY + WEEK


def test_without_a_build_the_timezone_is_not_known(market: Market) -> None:
    market.rows(OWNER, "delete from handover.build")
    assert market.refusal("ana", PROPOSE, WINDOW, None) == (
        "nothing is built yet, so the settlement timezone is not known; run: settle build"
    )


def test_the_start_is_that_of_the_settlement_timezone(market: Market) -> None:
    zone = "update handover.build set settlement_timezone = %s"
    market.rows(OWNER, zone, "Europe/Berlin")
    number = propose(market)
    start = MONDAY - timedelta(hours=1)
    assert market.value("dora", "select starts_at from finance.go_lives") == start
    market.rows(OWNER, zone, "UTC")
    assert market.refusal("ben", APPROVE, number) == (
        f"the settlement timezone has changed since go-live {number} was proposed: withdraw it and"
        " propose it again"
    )
    market.rows(OWNER, zone, "Europe/Berlin")
    market.rows("ben", APPROVE, number)
    market.build(*LINES)
    assert market.refused_store() == (
        f"the go-live with {WINDOW} begins at 2026-11-15 23:00:00+00, which is not its week in UTC:"
        " set settlement_timezone back"
    )


def test_a_proposal_that_waits_at_the_first_close_can_no_longer_be_approved(market: Market) -> None:
    number = propose(market)
    assert market.store()
    late = f"the close of {WINDOW} is stored: a marketplace goes live before its first close"
    assert market.refusal("ben", APPROVE, number) == late
    market.rows("ana", WITHDRAW, number)
    assert market.refusal("ana", PROPOSE, WINDOW, None) == late


def test_a_window_before_the_go_live_is_never_closed(market: Market) -> None:
    market.rows("ben", APPROVE, propose(market, "2026-W48"))
    market.build(*LINES)
    assert market.refused_store() == (
        f"window {WINDOW} is before the go-live with 2026-W48: it was settled elsewhere and is"
        " never closed here"
    )


def test_a_build_from_before_the_approval_is_not_stored(market: Market) -> None:
    number = propose(market)
    market.at(CLOSE + timedelta(hours=1))
    market.rows("ben", APPROVE, number)
    again = (
        f"window {WINDOW} was computed before the go-live with {WINDOW} was approved: build again"
    )
    assert market.refusal(ORCHESTRATOR, STORE, WINDOW) == again
    market.build(*LINES, as_of=CLOSE + timedelta(hours=1))
    assert market.store()


def test_the_first_close_is_of_the_go_lives_window(market: Market) -> None:
    market.rows("ben", APPROVE, propose(market, "2026-W46"))
    market.build(*LINES)
    assert market.refused_store() == (
        "the last build has no window 2026-W46, with which this marketplace goes live: nothing was"
        " stored, build again"
    )


def test_opening_balances_are_carried_into_the_first_close(market: Market) -> None:
    number = propose(market, WINDOW, *BALANCES)
    market.build(*LINES)  # as if nobody had proposed anything
    market.rows("ben", APPROVE, number)
    said = market.refused_store()
    assert said.endswith(
        f"in {WINDOW} does not carry in what nothing left: nothing was stored, build again"
    )
    market.build(*LINES)
    assert market.store()
    carried = market.rows(
        "dora",
        "select seller_id, carried_forward_minor from finance.window_close_rows order by seller_id",
    )
    assert [tuple(row.values()) for row in carried] == [("s1", 4510), ("s10", -300), ("s2", 0)]


def test_an_adjustment_from_before_the_go_live_stops_no_close(market: Market) -> None:
    market.at(MONDAY - timedelta(days=1))
    entered = market.value("ana", "select finance.enter_adjustment('s1', 500, 'goodwill')")
    market.rows("ben", "select finance.approve_adjustment(%s)", entered)
    market.at(CLOSE)
    market.rows("ben", APPROVE, propose(market))
    market.build(*LINES)
    assert market.store()


def test_what_is_approved_stays_as_it_was_proposed(market: Market) -> None:
    propose(market, WINDOW, *BALANCES)
    for change in (
        "update finance.opening_balances set amount_minor = 1",
        "delete from finance.opening_balances",
        "update finance.go_lives set payout_window = '2026-W40'",
        "delete from finance.go_lives",
    ):
        assert "finance." in market.refusal(OWNER, change)
    assert stored(market) == [1, 2]
