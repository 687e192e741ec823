"""What people decide beside the approval: limits, blocks, pauses, breaks; never without a note."""

from collections.abc import Iterator

import pytest
import stamina
from starlette.responses import Response

from orchestrator.errors import SettleError
from tests.functions.market import DUE, LINES, Line, Market, books, odd_rail, paid_once, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due, fail_check

PAUSE, RESUME = "select finance.pause_payouts(%s)", "select finance.resume_payouts(%s)"
PROPOSE = "select finance.propose_policy(%s, %s, %s, 'agreed in the meeting')"
CONFIRM = "select finance.confirm_policy(%s)"


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def test_a_limit_is_changed_by_two_people_and_keeps_its_history(market: Market) -> None:
    limit = "select finance.policy('dual_approval_above')"
    assert (market.value("dora", limit), market.obstacles()) == (100_000_000, [])
    proposed = market.value("ana", PROPOSE, "dual_approval_above", "", 1000)
    assert market.obstacles() == []
    assert market.refusal("ana", CONFIRM, proposed) == (
        f"ana proposed {proposed}: somebody else must confirm it"
    )
    market.rows("ben", CONFIRM, proposed)
    assert market.value("dora", limit) == 1000
    assert market.obstacles() == [
        "1123.52 is above the limit for one person: a second approval is needed beside ana"
    ]
    assert market.refusal("cem", CONFIRM, proposed).endswith("was confirmed by ben before")
    back = market.value("cem", PROPOSE, "dual_approval_above", "", 100_000_000)
    market.rows("cem", "select finance.withdraw_policy(%s)", back)
    assert market.refusal("ben", CONFIRM, back) == (
        f"proposal {back} was withdrawn by cem: propose it again"
    )
    history = market.rows(
        "dora", "select * from finance.policies where name = 'dual_approval_above'"
    )
    assert len(history) >= 3


def test_a_limit_that_does_not_exist(market: Market) -> None:
    for name, rail_name in (("fee", ""), ("minimum_line", "BTC"), ("maximum_line", "SPL")):
        said = market.refusal("ana", PROPOSE, name, rail_name, 1)
        assert said.startswith(f"there is no limit {name} for rail ")
    assert "policies_amount_minor_check" in market.refusal("ana", PROPOSE, "maximum_line", "", -1)


def test_nothing_is_paid_to_a_blocked_wallet(market: Market) -> None:
    wallet = LINES[0].wallet
    assert market.value("ana", "select finance.block_wallet(%s, 'sanctions')", wallet) is True
    assert market.value("ben", "select finance.block_wallet(%s, 'again')", wallet) is False
    batch = market.freeze()
    assert [s for (s,) in market.lines("seller_id")] == ["s10", "s2"]
    left_out = market.rows("dora", "select * from finance.batch_left_out")
    assert [tuple(row.values()) for row in left_out] == [(batch, "s1", 12_345, "wallet_blocked")]
    lift = "select finance.unblock_wallet(%s, 'a mistake')"
    assert market.refusal("ana", lift, wallet) == (
        f"ana blocked wallet {wallet}: somebody else must lift it"
    )
    market.rows("ben", lift, wallet)
    assert market.refusal("ben", lift, wallet) == (
        f"wallet {wallet} is not blocked: settle blocks, or Blocks in the console, lists those"
        " that are"
    )


def test_a_release_covers_the_wallet_that_was_seen(market: Market) -> None:
    change = "update marketplace.sellers set wallet_address = %s where seller_id = 's1'"
    market.rows(OWNER, change, "second")
    release = "select finance.release_hold('2026-W47', 's1', 'called them')"
    assert market.value("ben", release) == "wallet_changed"
    market.approve("ana")  # of before, and of another wallet
    assert market.obstacles() == []
    market.rows(OWNER, change, "third")
    market.freeze()
    assert market.rows("dora", "select hold_reason from finance.batch_left_out") == [
        {"hold_reason": "wallet_changed"}
    ]


def test_a_wallet_must_be_of_its_rail_when_it_is_frozen(market: Market) -> None:
    market.rows(OWNER, "set session_replication_role = replica")
    market.rows(
        OWNER,
        "update finance.wallet_checks set address_format = 'SPL' where wallet_address = %s",
        LINES[0].wallet,
    )
    market.rows(OWNER, "reset session_replication_role")
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch('2026-W47')") == (
        "the wallet of seller s1 in 2026-W47 is not a checked wallet of its rail: nothing was"
        " frozen, hold the seller or build again"
    )


def test_a_pause_stops_the_freeze_until_two_people_resume(market: Market) -> None:
    market.value("ana", PAUSE, "the bank called")
    line = (
        "payouts are paused since 2026-11-24 08:00 UTC by ana (the bank called):"
        " two people must resume them, {} so far"
    )
    assert market.obstacles() == [line.format(0)]
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch('2026-W47')") == line.format(0)
    assert [market.value("ana", RESUME, "fine") for _ in range(2)] == [False, False]
    assert market.obstacles() == [line.format(1)]
    # A new pause is a new decision.
    market.value("cem", PAUSE, "they called again")
    assert market.value("ben", RESUME, "fine") is False
    assert market.value("ana", RESUME, "fine") is True
    assert market.refusal("ana", RESUME, "fine") == "payouts are not paused"
    market.freeze()


def test_a_pause_stops_every_further_try(market: Market) -> None:
    """Pressed while the rail fails: no retry goes out, and the run after the resume ends it."""
    tries = []

    def fail(*_: object) -> Response:
        tries.append(1)
        if len(tries) == 1:
            market.value("ana", PAUSE, "something is odd")
        return Response(status_code=503)

    with rail(auto_approve=False) as url:
        with (
            odd_rail(url, fail) as odd,
            stamina.set_testing(True, attempts=3),
            pytest.raises(SettleError, match="payouts are paused"),
        ):
            market.pay(odd)
        assert (len(tries), market.state()) == (1, ["submitting"])
        with pytest.raises(SettleError, match="payouts are paused"):
            market.pay(url)
        assert books(url)["payouts"] == 0
        market.value("ana", RESUME, "fine")
        market.value("ben", RESUME, "fine")
        market.pay(url)
        paid_once(market, url)


def test_an_empty_note_decides_nothing(market: Market) -> None:
    fail_check(market)
    for query in (
        "select finance.pause_payouts('')",
        "select finance.hold_seller('s1', '')",
        f"select finance.block_wallet('{LINES[0].wallet}', '')",
        "select finance.accept_check('2026-W47', 'conservation', '')",
        "select finance.propose_policy('maximum_line', '', 1, '')",
    ):
        assert "_note_check" in market.refusal("ana", query)


def test_a_break_is_closed_by_a_note(market: Market) -> None:
    market.rows(OWNER, "select finance.open_break('mismatch', 'x', 'differs')")
    close = "select finance.close_break(1, %s)"
    assert market.refusal("ana", close, "").startswith("break 1 stays open: the note is empty")
    market.rows("ana", close, "halfin confirmed their typing error")
    [row] = market.rows("dora", "select * from finance.breaks")
    assert (row["closed_by"], row["closed_at"]) == ("ana", DUE)
    assert market.refusal("ben", close, "x") == "break 1 is not open: see settle breaks"


def test_unknown_sellers_and_windows(market: Market) -> None:
    release = "select finance.release_hold(%s, 's1', 'x')"
    assert "is not the latest closed and stored one" in market.refusal("ana", release, "2026-W40")
    market.close(*LINES[1:], Line("s1", 12_345, holds=("seller_suspended",)), weeks=1)
    assert market.refusal("ana", release, "2026-W48") == (
        "seller s1 is held in window 2026-W48 for seller_suspended, which a person cannot release:"
        " mend the cause"
    )
