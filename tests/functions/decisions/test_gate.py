"""What stands between an approval and the freeze."""

from datetime import timedelta

import psycopg
import pytest

from tests.functions.market import CLOSE, DUE, LINES, WEEK, WINDOW, Line, Market, expected_digest
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import FLAGGED, FREEZE, RELEASE

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
