"""Events are of the transaction that did what they tell, each once, numbered by seller."""

import json
from datetime import timedelta

import psycopg
import pytest

from tests.events.receiver import EVENTS, WRITE, events, write
from tests.functions.market import DUE, LINES, NEXT_WINDOW, WEEK, WINDOW, Line, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import BEGIN, LINE, payout, receive, take

HELD = Line("s3", 5_000, holds=("above_maximum", "below_minimum"))
NOTHING = Line("s4", 0, holds=("nothing_due",))


def told(market: Market, *types: str) -> list[tuple[str, ...]]:
    """Seller and type of each event, and the first reason of a hold; those of a close left out."""
    return [
        (e["seller_id"], e["event_type"], *filter(None, [e["data"].get("hold_reason")]))
        for e in events(market)
        if e["event_type"] in types or (not types and e["event_type"] != "reserve.released")
    ]


def test_a_close_tells_what_was_released_and_who_is_held(market: Market) -> None:
    market.close(LINE, HELD, NOTHING)
    assert told(market, "reserve.released") == [
        (seller, "reserve.released") for seller in ("s1", "s3", "s4")
    ]
    assert told(market) == [("s3", "payout.held", "above_maximum")]
    held = next(e["data"] for e in events(market) if e["event_type"] == "payout.held")
    assert held == {
        "seller_id": "s3",
        "payout_window": WINDOW,
        "amount": "50.00",
        "currency": "USD",
        "hold_reason": "above_maximum",
        "hold_reasons": ["above_maximum", "below_minimum"],
        "message": "The amount is unusually large; we review it before it is sent.",
    }


def test_a_week_that_is_no_longer_the_latest_holds_nobody(market: Market) -> None:
    """Its amounts moved on with the next one, which tells."""
    market.at(DUE + WEEK)
    market.build(HELD)
    assert market.store()
    assert told(market) == []
    market.close(HELD, weeks=1)
    assert told(market) == [("s3", "payout.held", "above_maximum")]


@pytest.mark.parametrize(
    ("steps", "types"),
    [
        (["answer"], ["submitted"]),
        (["answer", "completed"], ["submitted", "paid"]),
        (["completed", "answer"], ["paid"]),
        (["answer", "failed"], ["submitted", "failed"]),
        (["answer", "failed", "seen failed"], ["submitted", "failed"]),
        (["answer", "failed", "completed"], ["submitted", "failed", "paid"]),
        (["answer", "completed", "failed", "confirmed"], ["submitted", "paid", "returned"]),
    ],
)
def test_a_move_of_a_line_is_told_once(market: Market, steps: list[str], types: list[str]) -> None:
    """Everything comes at least twice."""
    market.approved(LINE)
    batch = market.freeze()
    market.rows(ORCHESTRATOR, BEGIN, batch)
    take(market, *steps)
    assert told(market) == [("s1", f"payout.{name}") for name in types]
    [last] = [e for e in events(market) if e["event_type"] == f"payout.{types[-1]}"]
    assert (last["data"]["amount"], last["data"]["currency"]) == ("123.45", "USD")
    assert last["data"]["line_id"] == market.value(
        "dora", "select line_id from finance.payout_lines"
    )
    if types[-1] == "failed":
        assert last["data"]["failure_reason"] == "The network dropped it"
        assert last["data"]["is_credited_back"] is False


def test_any_state_with_an_event_of_its_own_is_told(market: Market) -> None:
    """The trigger reads what a line became, however it became so."""
    market.approved(LINE)
    market.freeze()
    take(market, "answer", "completed")
    with psycopg.connect(market.url(OWNER)) as owner:
        owner.execute("set session_replication_role = replica")  # no rule of states, no events
        owner.execute("update finance.payout_lines set state = 'failed', failure_code = 'x'")
        owner.execute("set session_replication_role = origin")
        owner.execute("update finance.payout_lines set state = 'completed', failure_code = null")
    assert told(market)[-2:] == [("s1", "payout.paid")] * 2
    assert len({e["event_id"] for e in events(market)}) == len(events(market))


def test_what_was_rolled_back_is_not_told_and_done_again_it_has_its_id(market: Market) -> None:
    market.approved(LINE)
    market.freeze()
    take(market, "answer")
    query = "select event_id from finance.events order by event_number desc limit 1"
    body = {"event": "payout.completed", "data": payout(market)}
    with psycopg.connect(market.url(OWNER)) as owner:
        owner.execute(
            "insert into halfin.webhook_events (signature, body) values ('t', %s)",
            [json.dumps(body).encode()],
        )
        [undone] = owner.execute(query).fetchone() or ()
        owner.rollback()
    assert told(market)[-1] == ("s1", "payout.submitted")
    receive(market, "payout.completed")
    assert told(market)[-1] == ("s1", "payout.paid")
    assert market.value("dora", query) == undone


def test_who_is_held_or_blocked_by_a_person_is_told_at_once(market: Market) -> None:
    market.close(*LINES)
    market.rows("ana", "select finance.hold_seller('s1', 'n')")
    market.rows("ben", "select finance.hold_seller('s1', 'again')")
    assert told(market) == [("s1", "payout.held", "manual_review")]
    market.rows("ana", "select finance.block_wallet(%s, 'n')", LINES[1].wallet)
    assert told(market)[1:] == [("s10", "payout.held", "wallet_blocked")]
    # Released, and held again: that is another hold.
    market.rows("ana", "select finance.release_hold(%s, 's1', 'n')", WINDOW)
    assert len(told(market)) == 2
    market.rows("ana", "select finance.hold_seller('s1', 'n')")
    assert told(market)[2:] == [("s1", "payout.held", "manual_review")]


def test_at_the_freeze_whoever_got_no_line_has_been_told(market: Market) -> None:
    """The marketplace has suspended one since the close; the other was told at the close."""
    market.approved(*LINES, HELD)
    market.rows(
        OWNER, "update marketplace.sellers set status = 'suspended' where seller_id = 's10'"
    )
    market.freeze()
    assert sorted(told(market)) == [
        ("s10", "payout.held", "seller_suspended"),
        ("s3", "payout.held", "above_maximum"),
    ]
    # Who has a line is not held: it is on its way.
    market.rows("ana", "select finance.hold_seller('s1', 'n')")
    assert len(told(market)) == 2


def test_completed_after_it_came_back_holds_the_next_payout(market: Market) -> None:
    market.approved(LINE)
    market.freeze()
    take(market, "answer", "failed", "seen failed")
    market.close(LINE, weeks=1)
    take(market, "seen completed")
    assert told(market)[-2:] == [("s1", "payout.paid"), ("s1", "payout.held", "outcome_conflict")]
    assert events(market)[-1]["data"]["payout_window"] == NEXT_WINDOW


def test_numbers_follow_the_order_of_commits(market: Market) -> None:
    """And two transactions that tell of the same sellers in another order both end."""
    market.close(Line("s9", 1))
    first, second = (market.connect(OWNER, autocommit=False) for _ in range(2))
    with first, second:
        for connection, sellers in ((first, "ab"), (second, "ba")):
            for seller in sellers:
                connection.execute(WRITE, [seller, WINDOW, seller, WINDOW, f"{id(connection)}"])
        second.commit()
        first.commit()
    found = market.rows("dora", EVENTS.replace("e.event_number\n", "e.seller_id, e.sequence\n"))
    assert [(e["seller_id"], e["sequence"], e["data"]["line_id"]) for e in found[:4]] == [
        (seller, number, f"{id(connection)}")
        for seller in "ab"
        for number, connection in ((1, second), (2, first))
    ]


def test_events_are_append_only_for_the_owner_too(market: Market) -> None:
    market.close(LINE)
    for change in ("data = '{}'", "sequence = 7", "event_id = 'msg_' || repeat('0', 32)"):
        said = market.refusal(OWNER, f"update finance.events set {change}")
        assert said.startswith("finance.events is append-only"), said
    write(market, "s1")
    for table in ("events", "event_sequences", "event_deliveries", "event_replays"):
        assert "is append-only" in market.refusal(OWNER, f"delete from finance.{table}")
    said = market.refusal(OWNER, "update finance.event_deliveries set sequence = 7")
    assert said.startswith("finance.event_deliveries is immutable but for attempts")


@pytest.mark.parametrize("who", ["ana", "dora", "dbt", "webhook", "portal"])
def test_only_the_orchestrator_posts(market: Market, who: str) -> None:
    for query in (
        "select * from finance.claim_events()",
        "select finance.end_post(1, null)",
        "select finance.unclaim_events('{1}')",
        "select finance.replay_events('{x}')",
    ):
        assert "permission denied" in market.refusal(who, query)
    assert "permission denied" in market.refusal(ORCHESTRATOR, WRITE, *["s"] * 5)


def test_a_year_later_only_the_frame_of_an_event_is_left(market: Market) -> None:
    market.close(LINE)
    [before] = events(market)
    market.at(DUE + timedelta(days=400))
    pruned = market.rows(ORCHESTRATOR, "select * from finance.prune_raw_texts(12)")
    assert {row["what"]: row["pruned"] for row in pruned}["events"] == 1
    [after] = events(market)
    assert after == {**before, "data": None}
    digest = market.value(
        "dora", "select data_sha256 = sha256(convert_to(%s, 'UTF8')) from finance.events",
        market.value("dora", "select (%s::jsonb)::text", json.dumps(before["data"])),
    )  # fmt: skip
    assert digest is True
    said = market.refusal(ORCHESTRATOR, "select finance.replay_events(%s)", [before["event_id"]])
    assert "was emptied, as its time to be kept is over" in said


# What this session read since it last reported, which it does between transactions only.
READ = """
select sum(pg_stat_get_xact_tuples_returned(indexrelid))::integer
from pg_index where indrelid = 'finance.events'::regclass
"""


def test_an_event_is_numbered_without_reading_those_of_before(market: Market) -> None:
    """Each earlier one has left an index entry without a number, until the next vacuum."""
    market.close(LINE)
    reader = market.connect(OWNER)  # for as long as it reads, nothing of before is cleared away
    reader.execute("begin isolation level repeatable read; select 1")
    market.rows(
        OWNER,
        "select finance.write_event('payout.held', 's' || n, %s, null, '{}')"
        " from generate_series(1, 4000) as n",
        WINDOW,
    )
    # A session of the receiver's that began before there were statistics keeps what it planned.
    write(market, *("s2",) * 10, window=WINDOW)
    market.rows(OWNER, "analyze finance.events")

    def entries(place: int) -> int:
        """Index entries that one more event reads; other sessions' reading is no part of it."""
        market.rows(OWNER, "begin")
        before = int(market.value(OWNER, READ))
        market.rows(OWNER, WRITE, "s1", WINDOW, "s1", WINDOW, f"line-{place}")
        market.rows(OWNER, "set constraints all immediate")
        read = int(market.value(OWNER, READ)) - before
        market.rows(OWNER, "commit")
        return read

    assert sum(entries(place) for place in range(30)) < 4_000
    reader.close()
