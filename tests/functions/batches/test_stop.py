"""What was frozen and never sent can be stopped; what was sent once is never taken back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from orchestrator.errors import SettleError
from tests.functions.attempts import Try, begin, end, refusal
from tests.functions.market import (
    CLOSE,
    DUE,
    LINES,
    NEXT_WINDOW,
    WEEK,
    WINDOW,
    Line,
    Market,
    books,
    paid_once,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import frozen

NOWHERE = "http://127.0.0.1:9/api"
WITHDRAW = "select finance.withdraw_batch(%s, 'a stolen account')"
BEGIN = "select finance.begin_attempt(%s, %s)"
STOPS = {
    "manual_review": ("ana", "select finance.hold_seller('s1', 'asked to wait')"),
    "wallet_blocked": ("ana", f"select finance.block_wallet('{LINES[0].wallet}', 'stolen')"),
    "seller_suspended": (
        OWNER,
        "update marketplace.sellers set status = 'suspended' where seller_id = 's1'",
    ),
    "not_verified": (
        OWNER,
        "update marketplace.sellers set payouts_enabled = false where seller_id = 's1'",
    ),
    "wallet_changed": (
        OWNER,
        "update marketplace.sellers set wallet_address = 'another' where seller_id = 's1'",
    ),
}


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch that is frozen, and whose process died before its first call."""
    with frozen(*LINES) as market:
        yield market


@pytest.mark.parametrize("reason", STOPS)
def test_what_is_held_since_the_freeze_is_not_sent(market: Market, reason: str) -> None:
    who, query = STOPS[reason]
    market.rows(who, query)
    with rail() as url:
        with pytest.raises(SettleError) as error:
            market.pay(url)
        assert str(error.value) == (
            f"call 1 of 2026-W47 is stopped, it was never sent: seller s1 is held for {reason};"
            " release it, or take the batch back with settle withdraw 2026-W47"
        )
        with pytest.raises(SettleError):
            market.pay(url)
        assert books(url)["payouts"] == 0
        assert market.kinds("alerts") == ["not_sent"]
        assert market.value("ana", WITHDRAW, WINDOW) == len(LINES)
        assert market.state() == ["rejected"]
        assert market.lines("state, returned_at") == [("rejected", DUE)] * len(LINES)
        # Its approvals are spent; the others are paid after a new one, in a new attempt.
        assert "is not approved" in market.obstacles()[0]
        market.approve("ana")
        market.pay(url)
        assert (market.state(), books(url)["payouts"]) == (["rejected", "accepted"], 2)
    [withdrawn] = market.rows("dora", "select * from finance.batch_withdrawals")
    assert (withdrawn["withdrawn_by"], withdrawn["note"]) == ("ana", "a stolen account")


def test_a_release_lets_the_call_go_on(market: Market) -> None:
    market.rows(*STOPS["manual_review"])
    market.rows("ben", "select finance.release_hold(%s, 's1', 'it is them')", WINDOW)
    with rail(auto_approve=False) as url:
        market.pay(url)
        paid_once(market, url)


def test_what_was_tried_once_goes_on_and_is_not_taken_back(market: Market) -> None:
    assert market.value(ORCHESTRATOR, BEGIN, 1, 1) == 1
    market.rows(*STOPS["wallet_blocked"])
    assert market.value(ORCHESTRATOR, BEGIN, 1, 1) == 2
    assert market.refusal("ana", WITHDRAW, WINDOW) == (
        "the batch of 2026-W47 was sent: what was sent once is never taken back"
    )


def test_an_attempt_that_the_rail_did_not_read_sent_nothing(market: Market) -> None:
    """A 429, or no connection: what is held since is still not sent, and can be taken back."""
    assert market.value(ORCHESTRATOR, BEGIN, 1, 1) == 1
    market.rows(ORCHESTRATOR, "select finance.end_attempt(1, 1, 1, 429, true, null)")
    market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 1)")
    assert market.state() == ["unknown"]
    market.rows(*STOPS["wallet_blocked"])
    assert "is stopped, it was never sent" in market.refusal(ORCHESTRATOR, BEGIN, 1, 1)
    assert market.value("ana", WITHDRAW, WINDOW) == len(LINES)
    assert (market.state(), market.lines("state")[0][0]) == (["rejected"], "rejected")


def test_what_was_refused_before_the_run_was_killed_is_not_sent_again(market: Market) -> None:
    """The rail took nothing; since then it was funded, and somebody held a seller."""
    end(market, begin(market), Try(400, refusal()))
    market.rows(*STOPS["manual_review"])
    with rail() as url:
        with pytest.raises(SettleError, match="the rail rejected the batch of 2026-W47: No"):
            market.pay(url)
        assert books(url)["payouts"] == 0
    assert market.lines("state, returned_at") == [("rejected", DUE)] * len(LINES)
    assert "is not approved" in market.obstacles()[0]


def test_what_is_found_unread_later_is_taken_back_too() -> None:
    """While an attempt is open it may have been sent; a run that ends later is told who decided."""
    with Market.open() as market:
        market.approved()
        batch = market.value(ORCHESTRATOR, "select finance.freeze_batch(%s, 1)", WINDOW)
        assert market.value(ORCHESTRATOR, BEGIN, batch, 1) == 1
        assert market.value("ana", WITHDRAW, WINDOW) == 2
        assert market.state() == ["submitting"]
        assert market.refusal("ana", WITHDRAW, WINDOW) == (
            "the batch of 2026-W47 was sent: what was sent once is never taken back"
        )
        market.rows(ORCHESTRATOR, "select finance.end_attempt(1, 1, 1, 429, true, null)")
        assert market.value("ben", WITHDRAW, WINDOW) == 1
        assert market.state() == ["rejected"]
        [concluded] = market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 1)")
        assert concluded["message"] == (
            "ben took back the batch of 2026-W47, nothing of this call was sent: a stolen account"
        )
        kinds = market.rows("dora", "select count(*) as n from finance.batch_withdrawals")
        assert kinds == [{"n": 2}]


def test_of_a_batch_partly_sent_the_rest_is_taken_back() -> None:
    with Market.open() as market, rail(auto_approve=False) as url:
        market.approved()
        batch = market.value(ORCHESTRATOR, "select finance.freeze_batch(%s, 1)", WINDOW)
        market.rows("ana", "select finance.hold_seller('s10', 'asked to wait')")
        with pytest.raises(SettleError, match="call 2 of 2026-W47 is stopped"):
            market.pay(url)
        assert market.value("ana", WITHDRAW, WINDOW) == 2
        assert market.state() == ["accepted"]
        assert market.lines("seller_id, state") == [
            ("s1", "submitted"),
            ("s10", "rejected"),
            ("s2", "rejected"),
        ]
        # Who is not held can be paid in another run, after an approval of its own.
        with pytest.raises(SettleError, match="run 2 of 2026-W47 is not approved"):
            market.pay(NOWHERE)
        assert market.refusal(ORCHESTRATOR, BEGIN, batch, 2) == (
            "call 2 of batch 1 has its answer: nothing is left to send"
        )
        assert books(url)["payouts"] == 1
        # It is the sellers' balance again: the next close must carry it in.
        market.at(CLOSE + WEEK)
        market.build(Line("s1", 1), weeks=1)
        assert market.refused_store(NEXT_WINDOW) == (
            "the row of seller s10 in 2026-W48 does not carry in what 2026-W47 left: nothing was"
            " stored, build again"
        )


def test_only_finance_withdraws_and_only_what_there_is(market: Market) -> None:
    assert market.refusal("dora", WITHDRAW, WINDOW) == (
        "permission denied for function withdraw_batch"
    )
    assert market.refusal("ana", WITHDRAW, "2026-W46") == (
        "window 2026-W46 has no batch, or it was rejected: nothing to withdraw"
    )


def at_once(market: Market, asked: list[tuple[str, str, tuple[object, ...]]]) -> list[bool]:
    """Each query on a connection of its own, all at the same time; which were not refused."""
    connections = [market.connect(who) for who, _, _ in asked]

    def run(number: int) -> bool:
        _, query, parameters = asked[number]
        try:
            connections[number].execute(query.encode(), parameters)
        except psycopg.Error:
            return False
        return True

    with ThreadPoolExecutor(len(asked)) as pool:
        done = list(pool.map(run, range(len(asked))))
    for connection in connections:
        connection.close()
    return done


@pytest.mark.parametrize("_", range(5))
def test_of_a_withdrawal_and_an_attempt_at_once_one_wins(market: Market, _: int) -> None:
    """From 20 connections: sent and not taken back, or taken back and never sent."""
    begin: tuple[str, str, tuple[object, ...]] = (ORCHESTRATOR, BEGIN, (1, 1))
    done = at_once(market, [begin, ("ana", WITHDRAW, (WINDOW,))] * 10)
    begun, withdrawn = sum(done[::2]), sum(done[1::2])
    assert (begun > 0, withdrawn) in ((True, 0), (False, 1))
    expected = (["submitting"], "frozen") if begun else (["rejected"], "rejected")
    assert (market.state(), market.lines("state")[0][0]) == expected


@pytest.mark.parametrize("_", range(5))
def test_of_a_hold_and_an_attempt_at_once_the_earlier_counts(market: Market, _: int) -> None:
    """No attempt begins after a hold or a block was confirmed to the person who set it."""
    begin: tuple[str, str, tuple[object, ...]] = (ORCHESTRATOR, BEGIN, (1, 1))
    others: list[tuple[str, str, tuple[object, ...]]] = [(*STOPS["manual_review"], ())] * 5
    others += [(*STOPS["wallet_blocked"], ())] * 5
    at_once(market, [begin] * 10 + others)
    first = market.value(
        "dora",
        "select coalesce((select min(a.xmin::text::bigint) from finance.call_attempts as a)"
        " < (select min(h.xmin::text::bigint) from finance.seller_holds as h), true)",
    )
    tried = market.value("dora", "select count(*) from finance.call_attempts")
    assert first or tried == 0
