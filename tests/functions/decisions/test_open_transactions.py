"""What a person leaves open in a transaction: its instant is old, and nobody sees what it wrote."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import NamedTuple

import pytest

from tests.functions.market import LINES, WINDOW, Market, eventually
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import LINE, look_up, take
from tests.functions.situations import FLAGGED, frozen

WAITING = (
    "select count(*) from pg_stat_activity"
    " where wait_event_type = 'Lock' and datname = current_database()"
)


class Decided(NamedTuple):
    """Who decides what, after which steps, and where the instant of it stands."""

    who: str
    query: str
    instant: str
    before: Callable[[Market], object] = lambda market: None


def contradicted(market: Market) -> None:
    """Its break holds the seller, and ben has said his word."""
    take(market, "answer", "seen failed")
    look_up(market, "processing")
    market.rows("ben", "select finance.close_break(1, 'asked')")


DECIDED = {
    "a release": Decided(
        OWNER,  # of whom nobody asks which window is the latest
        f"select finance.write_releases('{WINDOW}', array['s3'], 'known to us', null)",
        "select released_at from finance.hold_releases",
    ),
    "a hold that is lifted": Decided(
        OWNER,
        f"select finance.write_releases('{WINDOW}', array['s1'], 'known to us', null)",
        "select lifted_at from finance.seller_holds",
        lambda market: market.rows("ben", "select finance.hold_seller('s1', 'a question')"),
    ),
    "a block that is lifted": Decided(
        "ana",
        f"select finance.unblock_wallet('{LINE.wallet}', 'a mistake')",
        "select lifted_at from finance.wallet_blocks",
        lambda market: market.rows("ben", f"select finance.block_wallet('{LINE.wallet}', 'x')"),
    ),
    "a word on a line": Decided(
        "ana",
        f"select finance.resolve_line('{WINDOW}', 's1', 'failed', 'halfin says so')",
        "select resolved_at from finance.line_resolutions",
        lambda market: take(market, "answer"),
    ),
    "a break that is closed": Decided(
        "ana",
        "select finance.close_break(1, 'asked')",
        "select closed_at from finance.breaks",
        contradicted,
    ),
    "an attempt": Decided(
        ORCHESTRATOR,
        "select finance.begin_attempt(1, 1)",
        "select begun_at from finance.call_attempts",
    ),
}


@pytest.mark.parametrize("name", DECIDED)
def test_a_decision_has_the_instant_at_which_it_is_made(name: str) -> None:
    """Who released a seller is not their only approver until they were paid since: an old instant
    would count a payout of before."""
    decided = DECIDED[name]
    with frozen(LINE, FLAGGED) as market:
        decided.before(market)
        market.rows(OWNER, "delete from finance.clock")
        connection = market.connect(decided.who, autocommit=False)
        try:
            connection.execute("select 1")
            time.sleep(0.01)
            meanwhile: datetime = market.value(OWNER, "select clock_timestamp()")
            connection.execute(decided.query.encode())
            connection.commit()
        finally:
            connection.close()
        assert market.value(OWNER, decided.instant) > meanwhile


FILES = {
    "adjustments": (
        [{"seller_id": "s1", "amount": "1000"}, {"seller_id": "s2", "amount": "-1000"}],
        "select finance.enter_adjustments(%s, 'november')",
        "select finance.withdraw_adjustment(2)",
        "select * from finance.approve_adjustments(1)",
    ),
    "reserve_assignments": (
        [{"seller_id": seller, "policy": "elevated"} for seller in ("s1", "s2")],
        "select finance.assign_reserve_policies(%s, 'november')",
        "select finance.withdraw_reserve_assignment(2)",
        "select finance.approve_reserve_assignments(1)",
    ),
}
POLICY = "insert into handover.reserve_policies values ('elevated', '1970-01-01Z')"


@pytest.mark.parametrize("table", FILES)
def test_what_is_being_taken_out_of_a_file_is_waited_for(table: str) -> None:
    """Who approved the file did not see it, and once it was committed approved the other rows."""
    rows, enter, withdraw, approve = FILES[table]
    with Market.open() as market:
        market.close(*LINES)
        market.rows(OWNER, POLICY)
        given = json.dumps([{"line": n} | row for n, row in enumerate(rows, start=2)])
        assert market.value("ana", enter, given) == 1
        with market.connect("ana", autocommit=False) as ana, ThreadPoolExecutor(1) as pool:
            ana.execute(withdraw.encode())
            said = pool.submit(market.refusal, "ben", approve)
            eventually(lambda: market.value(OWNER, WAITING) == 1)
            ana.commit()
            assert "ana withdrew a part of file 1" in said.result()
        assert market.value("dora", f"select count(approved_at) from finance.{table}") == 0


def test_a_pause_counts_from_its_commit_on(market: Market) -> None:
    """Two people resume a later one, and cannot see it yet."""
    pause, resume = (
        "select finance.pause_payouts(%s)",
        "select finance.resume_payouts('it is well')",
    )
    with market.connect("ana", autocommit=False) as open_one:
        open_one.execute(pause, ["wallets are wrong"])
        market.rows("ben", pause, "the rail is down")
        assert [market.value(person, resume) for person in ("ben", "cem")] == [False, True]
        open_one.commit()
    said = market.value("dora", "select finance.pause_message()")
    assert "by ana (wallets are wrong): two people must resume them, 0 so far" in said
    assert [market.value(person, resume) for person in ("ben", "cem")] == [False, True]
    assert market.value("dora", "select finance.pause_message()") is None
