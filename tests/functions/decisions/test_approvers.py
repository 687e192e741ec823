"""Whose approval counts at the freeze, and how many it takes."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from tests.functions.market import (
    DUE,
    LINES,
    NEXT_WINDOW,
    WEEK,
    WINDOW,
    Line,
    Market,
    eventually,
    expected_digest,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import FLAGGED, FREEZE, RELEASE

LIMIT = 100_000_000  # minor units: a total above it takes two people


@pytest.mark.parametrize("held_by", ["a person", "a wallet", "a block"])
def test_an_approval_from_before_a_hold_is_none_once_that_is_lifted(
    market: Market, held_by: str
) -> None:
    """With it whoever lifted the hold alone would have paid what somebody else had held."""
    market.approved()
    wallet = LINES[0].wallet
    if held_by == "a person":
        market.rows("ben", "select finance.hold_seller('s1', 'fraud?')")
    elif held_by == "a block":
        market.rows("ben", "select finance.block_wallet(%s, 'fraud?')", wallet)
    else:
        change = "update marketplace.sellers set wallet_address = 'other' where seller_id = 's1'"
        market.rows(OWNER, change)
    # The others are approved all the same.
    assert market.obstacles() == []
    if held_by == "a block":
        market.rows("cem", "select finance.unblock_wallet(%s, 'no')", wallet)
    else:
        market.rows("cem", RELEASE, WINDOW, "s1")
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        f"window 2026-W47 is not approved: review it and approve digest {expected_digest(*LINES)}"
    )
    market.approve("ana")
    market.freeze()
    assert len(market.lines("seller_id")) == len(LINES)


def test_who_released_a_seller_is_not_the_only_approver(market: Market) -> None:
    market.close(*LINES, FLAGGED)
    market.rows("ana", RELEASE, WINDOW, "s3")
    market.approve("ana")
    market.at(DUE)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "ana released a held seller of 2026-W47 and is its only approver:"
        " somebody else must approve too"
    )
    market.approve("ben")
    market.freeze()


def test_who_lifted_a_hold_in_an_earlier_window_is_not_the_only_approver(market: Market) -> None:
    """A release is for one window, and the hold that a person set is gone in all that follow."""
    market.close(*LINES)
    market.rows("ana", "select finance.hold_seller('s1', 'fraud?')")
    market.rows("ben", RELEASE, WINDOW, "s1")
    market.close(*LINES, weeks=1)
    market.approve("ben", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    assert market.refusal(ORCHESTRATOR, FREEZE, NEXT_WINDOW) == (
        "ben released a held seller of 2026-W48 and is its only approver:"
        " somebody else must approve too"
    )
    market.approve("cem", window=NEXT_WINDOW)
    market.freeze(NEXT_WINDOW)
    # Paid since, with somebody else's word.
    market.close(*LINES, weeks=2)
    market.approve("ben", window="2026-W49")
    assert not any("only approver" in line for line in market.obstacles("2026-W49"))


def test_who_lifted_a_block_is_not_the_only_approver(market: Market) -> None:
    """What one person has blocked, another lifted, approved and had paid."""
    wallet = LINES[0].wallet
    market.close(*LINES)
    market.rows("ana", "select finance.block_wallet(%s, 'fraud')", wallet)
    market.rows("ben", "select finance.unblock_wallet(%s, 'it was not')", wallet)
    market.approve("ben")
    market.at(DUE)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "ben lifted the block of a wallet that 2026-W47 pays and is its only approver:"
        " somebody else must approve too"
    )
    market.approve("cem")
    market.freeze()


def test_above_the_limit_it_takes_two_people(market: Market) -> None:
    market.close(Line("s1", LIMIT), Line("s2", 1))
    market.approve("ana", "ana")
    market.at(DUE)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "1000000.01 is above the limit for one person: a second approval is needed beside ana"
    )
    market.approve("ben")
    market.rows("ana", "select finance.revoke_approval(%s)", WINDOW)
    assert "needed beside ben" in market.refusal(ORCHESTRATOR, FREEZE, WINDOW)
    market.approve("ana")
    batch = market.freeze()
    used = "select count(*) from finance.batch_approvals where batch_id = %s"
    assert market.value("dora", used, batch) == 2


def test_who_has_left_the_group_approves_nothing_any_more(market: Market) -> None:
    market.approved(Line("s1", 5_000))
    market.rows(OWNER, "revoke settle_finance from ana")
    try:
        assert "does not cover what is ready now" in market.refusal(ORCHESTRATOR, FREEZE, WINDOW)
    finally:
        market.rows(OWNER, "grant settle_finance to ana")
    market.freeze()


def test_at_the_limit_one_is_enough(market: Market) -> None:
    market.approved(Line("s1", LIMIT))
    market.freeze()


def test_an_approval_of_other_amounts_does_not_count_as_the_second(market: Market) -> None:
    market.close(Line("s1", LIMIT), Line("s2", 1), FLAGGED)
    market.approve("ana")
    market.rows("cem", RELEASE, WINDOW, "s3")
    market.approve("ben")
    market.at(DUE)
    assert "needed beside ben" in market.refusal(ORCHESTRATOR, FREEZE, WINDOW)


def test_an_approval_revoked_while_the_freeze_waits_is_none(market: Market) -> None:
    market.approved()
    waiting = (
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and datname = current_database()"
    )
    with (
        market.connect("ana", autocommit=False) as ana,
        market.connect(ORCHESTRATOR) as orchestrator,
        ThreadPoolExecutor(1) as pool,
    ):
        ana.execute("select finance.revoke_approval(%s)", [WINDOW])
        freeze = pool.submit(orchestrator.execute, FREEZE, [WINDOW])
        eventually(lambda: market.value(OWNER, waiting) == 1)
        ana.commit()
        with pytest.raises(psycopg.errors.RaiseException, match="2026-W47 is not approved"):
            freeze.result()
