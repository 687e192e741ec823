"""Money that comes back lands in no window whose close is stored, however long its call waited."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from tests.functions.market import CLOSE, LAG, LINES, NEXT_WINDOW, STORE, WEEK, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import COMPLETED, LINE, RECEIVE, payout, take

LOOK_UP = "select finance.record_lookup(%s)"
LATE = (
    f"a window was closed while the payout of seller {LINE.seller} in 2026-W47 came back: nothing"
    " was recorded, run it again"
)


@pytest.fixture
def market() -> Iterator[Market]:
    """One line that has failed, by its webhook; a minute is left of the next window."""
    with Market.open() as market:
        market.approved(LINE)
        market.freeze()
        take(market, "answer", "failed")
        market.at(CLOSE + WEEK - LAG - timedelta(minutes=1))
        yield market


def shown(market: Market, status: str) -> bytes:
    return json.dumps({"data": {"id": "b", "payouts": [payout(market, status=status)]}}).encode()


def test_a_return_that_waited_across_a_close_is_refused(market: Market) -> None:
    """It carried the instant at which its transaction began, and the stored close lacked it."""
    with market.connect(ORCHESTRATOR, autocommit=False) as waits:
        waits.execute(LOOK_UP, [shown(market, "failed")])
        market.at(CLOSE + WEEK)
        market.build(LINES[1], weeks=1)
        market.hand_over()
        assert market.value(ORCHESTRATOR, STORE, NEXT_WINDOW)
        with pytest.raises(psycopg.errors.RaiseException) as refused:
            waits.commit()
    assert refused.value.diag.message_primary == LATE
    assert market.lines("state, returned_at") == [("failed", None)]
    take(market, "seen failed")  # as the next reconciliation does
    assert market.lines("state, returned_at") == [("failed", CLOSE + WEEK)]


def test_a_close_waits_for_a_return_under_way(market: Market) -> None:
    with market.connect(ORCHESTRATOR, autocommit=False) as returns, ThreadPoolExecutor(1) as pool:
        returns.execute(LOOK_UP, [shown(market, "failed")])
        returns.execute("set constraints all immediate")
        market.at(CLOSE + WEEK)
        market.build(LINES[1], weeks=1)
        market.hand_over()
        closing = pool.submit(market.refusal, ORCHESTRATOR, STORE, NEXT_WINDOW)
        asked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        while market.value(OWNER, asked) != 1:
            assert not closing.done()
        returns.commit()
        assert closing.result() == (
            f"the row of seller {LINE.seller} in 2026-W48 does not carry in what 2026-W47 left:"
            " nothing was stored, build again"
        )


def test_money_taken_again_is_refused_the_same(market: Market) -> None:
    """A webhook that cannot be stored is not acknowledged: the rail sends it again."""
    take(market, "seen failed")
    with market.connect(WEBHOOK, autocommit=False) as waits:
        body = {"event": "payout.completed", "data": payout(market) | COMPLETED}
        waits.execute(RECEIVE, [json.dumps(body).encode()])
        market.at(CLOSE + WEEK)
        market.build(LINES[1], LINE, weeks=1)
        market.hand_over()
        market.value(ORCHESTRATOR, STORE, NEXT_WINDOW)
        with pytest.raises(psycopg.errors.RaiseException):
            waits.commit()
    assert market.lines("state, retaken_at") == [("failed", None)]


def test_without_a_clock_of_tests_it_is_the_instant_and_not_the_transactions(
    market: Market,
) -> None:
    market.rows(OWNER, "delete from finance.clock")
    with market.connect(OWNER, autocommit=False) as owner:
        [began] = owner.execute("select now() as at").fetchall()
        owner.execute("select pg_sleep(0.01)")
        [found] = owner.execute("select finance.this_instant() as at").fetchall()
        assert found["at"] - began["at"] >= timedelta(milliseconds=10)
