"""What stands between an approval and the freeze."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from tests.functions.market import (
    CLOSE,
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
from tests.functions.situations import FREEZE, RELEASE

FLAGGED = Line("s3", 50_000, holds=("manual_review",))
LIMIT = 100_000_000  # minor units: a total above it takes two people

# The status of s1 is read as it stands 100 times less `setval`, and then as active.
FLIPPING_ACCOUNTS = """
set role settle_owner;
create sequence marketplace.reads;
alter table marketplace.sellers rename to accounts;
create view marketplace.sellers as
select
    a.seller_id, a.display_name, a.payouts_enabled, a.wallet_address,
    case
        when a.seller_id <> 's1' then a.status
        when nextval('marketplace.reads') <= 100 then a.status
        else 'active'
    end as status
from marketplace.accounts as a;
reset role;
"""


def test_nothing_is_paid_before_it_is_due(market: Market) -> None:
    market.close()
    market.approve("ana")
    market.at(DUE - timedelta(microseconds=1))
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "window 2026-W47 is due at 2026-11-24 08:00 UTC"
    )
    market.at(DUE)
    assert market.obstacles() == []
    market.freeze()
    assert market.obstacles() == ["window 2026-W47 is in batch 1 already, which is frozen"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update handover.expected_fees set pegged_to = 'INR'", "INR"),
        ("delete from handover.expected_fees", "nothing that is known"),
    ],
)
def test_a_coin_of_another_currency_pays_nothing_and_nobody_can_accept_it(
    market: Market, change: str, said: str
) -> None:
    market.approved()
    assert market.obstacles() == []
    market.rows(OWNER, f"{change} where currency_code = 'USDT_TRC20'")
    stop = (
        f"2026-W47 is settled in USD, and USDT_TRC20 of rail TRC-20 is pegged to {said}: name a"
        " coin of USD for the rail in the seed rails, or hold its 1 sellers"
    )
    assert market.obstacles() == [stop]
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == stop
    for person in ("ana", "ben"):
        market.approve(person)
        assert market.refusal(
            person, "select finance.accept_check(%s, 'conservation', 'fine')", WINDOW
        ).endswith("nothing to accept")
    assert market.obstacles() == [stop]
    # The sellers of the other rails are not kept waiting.
    market.rows("ana", "select finance.hold_seller('s1', 'no coin for it')")
    market.approve("ana", "ben")
    assert market.obstacles() == []


def test_a_window_without_a_close_or_with_a_newer_one_is_not_paid(market: Market) -> None:
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == "window 2026-W47 has no stored close"
    market.approved()
    market.at(CLOSE + WEEK - timedelta(minutes=15))
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "window 2026-W47 is not the latest closed and stored one (none): its amounts have moved on"
    )


ACCOUNTS = "update marketplace.sellers set {} where seller_id = 's1'"
CHANGES = {
    "seller_suspended": ACCOUNTS.format("status = 'suspended'"),
    "seller_closed": ACCOUNTS.format("status = 'closed'"),
    "not_verified": ACCOUNTS.format("payouts_enabled = false"),
    "wallet_changed": ACCOUNTS.format("wallet_address = 'another'"),
    "manual_review": "select finance.hold_seller('s1', 'a call from the bank')",
    "wallet_not_payable": "insert into handover.unpayable_wallets"
    " select wallet_address, 'a contract' from marketplace.sellers where seller_id = 's1'",
    "wallet_blocked": "select finance.block_wallet((select wallet_address from marketplace.sellers"
    " where seller_id = 's1'), 'a call from the bank')",
}


@pytest.mark.parametrize("reason", CHANGES)
def test_a_line_held_since_the_approval_is_left_out(market: Market, reason: str) -> None:
    market.close()
    market.approve("ana", "ben")
    market.at(DUE)
    who = "cem" if CHANGES[reason].startswith("select") else OWNER
    market.rows(who, CHANGES[reason])
    batch = market.freeze()
    assert market.lines("seller_id") == [("s10",), ("s2",)]
    left_out = market.rows("dora", "select * from finance.batch_left_out")
    assert [tuple(row.values()) for row in left_out] == [(batch, "s1", 12_345, reason)]
    [frozen] = market.rows(
        "dora", "select line_count, total_minor, digest from finance.payout_batches"
    )
    assert tuple(frozen.values()) == (2, 100_007, expected_digest(*LINES[1:]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("status = 'under review'", "seller_suspended"),
        ("payouts_enabled = null", "not_verified"),
    ],
)
def test_what_a_team_s_own_view_does_not_say_is_no_leave_to_pay(
    fresh: Market, change: str, reason: str
) -> None:
    """Its backend has a state that nobody mapped: it was paid as if it were active."""
    fresh.rows(
        OWNER,
        "alter table marketplace.sellers drop constraint sellers_status_check,"
        " alter column payouts_enabled drop not null",
    )
    fresh.approved()
    fresh.rows(OWNER, ACCOUNTS.format(change))
    holds = "select hold_reasons from finance.current_holds(%s, 's1')"
    assert fresh.value("dora", holds, WINDOW) == [reason]
    fresh.freeze()
    assert fresh.lines("seller_id") == [("s10",), ("s2",)]


def test_every_live_hold_reason_is_tried(market: Market) -> None:
    live = market.rows("dora", "select reason from finance.hold_reasons where is_live")
    # test_late_outcomes.py has the last one.
    assert {row["reason"] for row in live} == {*CHANGES, "outcome_conflict"}


def test_a_close_with_an_unknown_hold_reason_is_refused(market: Market) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="the row of seller s1 in 2026-W47 is"):
        market.close(Line("s1", 12_345, holds=("nothing_due", "full_moon")))


def test_an_account_that_is_gone_is_left_out(market: Market) -> None:
    market.approved()
    market.rows(OWNER, "delete from marketplace.sellers where seller_id = 's1'")
    market.freeze()
    assert market.lines("seller_id") == [("s10",), ("s2",)]


def test_an_account_that_is_gone_is_paid_where_it_was_looked_at_and_to_the_wallet_named_last(
    market: Market,
) -> None:
    market.close()
    market.rows(OWNER, "update marketplace.sellers set wallet_address = 'n' where seller_id = 's1'")
    market.rows(OWNER, "delete from marketplace.sellers where seller_id in ('s1', 's2')")
    assert market.value("ben", RELEASE, WINDOW, "s1") == "seller_closed"
    assert market.value("ben", RELEASE, WINDOW, "s2") == "seller_closed"
    held = market.rows("dora", "select seller_id, wallet_now from finance.held_sellers(%s)", WINDOW)
    assert [tuple(row.values()) for row in held] == [("s1", "n")]
    assert market.value("ben", RELEASE, WINDOW, "s1") == "wallet_changed"
    market.approve("ana", "cem")
    market.at(DUE)
    market.freeze()
    assert market.lines("seller_id") == [("s1",), ("s10",), ("s2",)]


def test_all_lines_held_since_is_no_batch(market: Market) -> None:
    market.approved()
    market.rows(OWNER, "update marketplace.sellers set status = 'suspended'")
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "window 2026-W47 has no line that is ready"
    )


def test_a_released_line_voids_the_approval(market: Market) -> None:
    market.close(*LINES, FLAGGED)
    market.approve("ana")
    assert market.value("ben", RELEASE, WINDOW, "s3") == "manual_review"
    market.at(DUE)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "the approval of 2026-W47 does not cover what is ready now: review and approve digest "
        + expected_digest(*LINES, FLAGGED)
    )
    market.approve("ana")
    market.freeze()
    assert len(market.lines("seller_id")) == 4


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


def test_a_hold_after_a_release_stands_until_it_is_released_again(market: Market) -> None:
    market.close(*LINES, FLAGGED)
    ready = "select count(*) from finance.current_holds(%s) where hold_reasons = '{}'"
    market.rows("ana", RELEASE, WINDOW, "s3")
    assert market.value("dora", ready, WINDOW) == 4
    market.rows("ben", "select finance.hold_seller('s3', 'not yet')")
    assert market.value("dora", ready, WINDOW) == 3
    market.rows("ana", RELEASE, WINDOW, "s3")
    assert market.value("dora", ready, WINDOW) == 4


def test_what_a_person_cannot_release(market: Market) -> None:
    market.close(*LINES, Line("s4", -50, holds=("negative_balance", "manual_review")))
    assert market.refusal("ana", RELEASE, WINDOW, "s4") == (
        "seller s4 is held in window 2026-W47 for negative_balance, which a person cannot release:"
        " mend the cause"
    )
    assert market.refusal("ana", RELEASE, WINDOW, "s1") == (
        "seller s1 is not held in window 2026-W47"
    )
    assert market.refusal("ana", "select finance.hold_seller('s99', 'a typo')") == (
        "seller s99 is not known: nothing is held"
    )


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


def test_an_older_snapshot_decides_nothing(market: Market) -> None:
    """It would not see what was revoked while it waited for its turn."""
    market.approved()
    market.rows(ORCHESTRATOR, "set default_transaction_isolation = 'repeatable read'")
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "payouts are decided in read committed transactions, this one is repeatable read:"
        " change default_transaction_isolation"
    )
    market.rows(ORCHESTRATOR, "reset default_transaction_isolation")


def test_a_line_that_comes_back_while_it_freezes_is_not_paid(fresh: Market) -> None:
    """Whichever read of the accounts is the first to see it active again."""
    fresh.close()
    fresh.rows(OWNER, ACCOUNTS.format("status = 'suspended'"))
    fresh.approve("ana")
    fresh.at(DUE)
    fresh.rows(OWNER, FLIPPING_ACCOUNTS)
    paid, refused = [], []
    with fresh.connect(ORCHESTRATOR, autocommit=False) as orchestrator:
        for reads in range(40):
            fresh.rows(OWNER, "select setval('marketplace.reads', %s)", 100 - reads)
            try:
                orchestrator.execute(FREEZE, [WINDOW])
                found = orchestrator.execute("select seller_id from finance.payout_lines")
                paid.append(sorted(row["seller_id"] for row in found))
            except psycopg.errors.RaiseException as error:
                refused.append(str(error.diag.message_primary))
            orchestrator.rollback()
    assert all(sellers == ["s10", "s2"] for sellers in paid)
    assert {said.split(":")[0] for said in refused} == {
        "the approval of 2026-W47 does not cover what is ready now",
        "the lines of 2026-W47 changed while it was frozen",
    }
