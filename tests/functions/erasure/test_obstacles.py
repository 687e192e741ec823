"""What keeps a seller from being erased; and that it takes two people, once."""

import pytest

from tests.functions.erasure.seller_to_erase import (
    APPROVE,
    PROPOSE,
    TX,
    WITHDRAW,
    closed_since,
    erase,
    key_of,
)
from tests.functions.market import Market
from tests.functions.payment_server import OWNER
from tests.functions.rail_events import concluded, receive

OBSTACLES = {
    "their status is suspended": (
        "update marketplace.sellers set status = 'suspended' where seller_id = 's2'"
    ),
    "their payout in 2026-W47 was paid on 2026-11-24 and can come back until 2027-01-23": (
        "update finance.clock set now_at = now_at - interval '3 days'"
    ),
    "settle_admin holds them": (
        "insert into finance.seller_holds (seller_id, note) values ('s2', 'x')"
    ),
    "break 2 about their payout in 2026-W47 is open": (
        "insert into finance.breaks (kind, subject, detail)"
        " select 'mismatch', line_id, 'x' from finance.payout_lines where seller_id = 's2'"
    ),
    "adjustment 1 waits": (
        "insert into finance.adjustments (seller_id, amount_minor, reason) values ('s2', 1, 'x')"
    ),
    "assignment 1 waits": (
        "insert into finance.reserve_assignments (seller_id, policy, note) values ('s2', 'x', 'x')"
    ),
    "go-live 1 with their opening balance waits": (
        "with g as (insert into finance.go_lives (payout_window, starts_at, note)"
        " values ('x', now(), 'x') returning go_live_id)"
        " insert into finance.opening_balances select go_live_id, 's2', 5 from g"
    ),
    "the last build is older than a day": (
        "update handover.build set as_of = as_of - interval '2 days'"
    ),
    "1.50 of theirs is in reserve": (
        "insert into handover.open_balances values ('s2', 1.50, 0, 0)"
    ),
    "their balance is -2.00": "insert into handover.open_balances values ('s2', 0, -2.00, 0)",
    "3.00 of theirs is disputed": "insert into handover.open_balances values ('s2', 0, 0, 3.00)",
}


@pytest.mark.parametrize("why", OBSTACLES)
def test_what_is_not_over_keeps_a_seller(market: Market, why: str) -> None:
    """As it is proposed, and as it is approved."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    market.rows(OWNER, OBSTACLES[why])
    said = market.refusal("ben", APPROVE, "s2", key_of(market))
    assert said.startswith(f"seller s2 cannot be erased yet: {why}")
    market.rows("ana", WITHDRAW, "s2")
    assert market.refusal("ana", PROPOSE, "s2", "they asked") == said


def test_a_balance_or_a_payout_under_way_keeps_a_seller() -> None:
    status = "update marketplace.sellers set status = %s where seller_id = 's2'"
    refused = "seller s2 cannot be erased yet: "
    with Market.open() as market:
        market.approved()
        market.rows(OWNER, "update handover.build set as_of = settle_now()")
        market.rows(OWNER, status, "closed")
        assert market.refusal("ana", PROPOSE, "s2", "they asked") == (
            refused + "0.07 of 2026-W47 is unpaid: pay it, or write it off"
        )
        market.rows(OWNER, status, "active")
        market.freeze()
        market.rows(OWNER, status, "closed")
        assert market.refusal("ana", PROPOSE, "s2", "they asked") == (
            refused + "their payout in 2026-W47 is under way: wait for its outcome"
        )


def test_it_takes_two_people_and_is_done_once(market: Market) -> None:
    assert market.refusal("ana", PROPOSE, "nobody", "x") == (
        "seller nobody is not known: nothing was proposed"
    )
    none = "nobody has proposed to erase seller s2: see settle erase list"
    assert market.refusal("ben", APPROVE, "s2", key_of(market)) == none
    market.rows("ana", PROPOSE, "s2", "they asked")
    assert market.refusal("ana", APPROVE, "s2", key_of(market)) == (
        "ana proposed to erase s2: somebody else must approve it"
    )
    assert market.refusal("cem", PROPOSE, "s2", "x") == (
        "the erasure of seller s2, which ana proposed, waits: approve or withdraw it"
    )
    market.rows("cem", WITHDRAW, "s2")
    assert market.refusal("ben", APPROVE, "s2", key_of(market)) == none
    assert market.refusal("ben", WITHDRAW, "s2") == none
    erase(market)
    again = "seller s2 was erased on 2027-01-24, as ana and ben agreed"
    assert market.refusal("cem", PROPOSE, "s2", "again") == again
    assert market.refusal("cem", APPROVE, "s2", key_of(market)) == none


@pytest.mark.parametrize("state", ["ready", "unknown"])
def test_a_call_that_may_be_sent_again_keeps_its_bytes(state: str) -> None:
    """The rail told of the seller's payout; of the other lines nobody knows."""
    with Market.open() as market:
        market.approved()
        market.freeze()
        if state == "unknown":
            assert concluded(market, 500, "")["batch_state"] == "unknown"
        receive(market, "payout.completed", tx_hash=TX)
        closed_since(market)
        assert market.lines("state", "seller_id = 's2'") == [("completed",)]
        assert market.refusal("ana", PROPOSE, "s2", "they asked") == (
            "seller s2 cannot be erased yet: a call of the batch with their payout in 2026-W47"
            " has no certain response: run settle pay 2026-W47 first"
        )
