"""Contradictions that would pay a seller twice, and answers that do not fit what we asked."""

import json
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
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
    eventually,
    exact_bytes,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import (
    BEGIN,
    COMPLETED,
    FAILED,
    LINE,
    RECEIVE,
    answer,
    concluded,
    look_up,
    payout,
    receive,
    take,
)
from tests.functions.situations import CLOSE_BREAK, COMPARE, on_its_way
from tests.halfin.sandbox import KEY


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch of one line that is on its way to the rail."""
    with on_its_way() as market:
        yield market


def found(market: Market) -> str:
    [(state,)] = market.lines("state")
    return str(state)


@pytest.mark.parametrize("is_changed", [False, True])
def test_lines_that_the_answer_leaves_out_are_a_break(market: Market, is_changed: bool) -> None:
    changed = payout(market, amount="0.010000")
    other = payout(market, id="x", idempotency_key="not ours", metadata=None)
    assert answer(market, changed if is_changed else other) == "accepted"
    assert found(market) == "frozen"
    kind = "mismatch" if is_changed else "unknown_payout"
    assert market.kinds("breaks") == sorted(["missing_payouts", kind])


def test_an_answer_that_the_database_cannot_read_is_none(market: Market) -> None:
    assert answer(market, payout(market, description="\0")) == "unknown"
    assert (market.state(), found(market)) == (["unknown"], "frozen")


def test_taken_after_people_said_it_was_not_holds_the_sellers(market: Market) -> None:
    """The lines came back, and then the answer arrives of a try that was under way all the time."""
    assert market.value(ORCHESTRATOR, BEGIN, 1) == 2
    end = "select finance.end_attempt(1, 1, 2, 500, true, null)"
    market.rows(ORCHESTRATOR, end)
    market.rows(ORCHESTRATOR, "select finance.conclude_call(1, 1)")
    declare = "select finance.declare_rejected('2026-W47', 'halfin has no such batch')"
    assert [market.value(who, declare) for who in ("ana", "ana", "ben")] == [1, 1, 2]
    assert (market.state(), market.lines("state")) == (["rejected"], [("rejected",)])
    assert "has no batch, or it was rejected: nothing to resolve" in market.refusal("cem", declare)
    assert market.obstacles() == [
        f"window 2026-W47 is not approved: review it and approve digest {market.digest()}"
    ]
    assert answer(market) == "rejected"
    assert market.kinds("alerts") == [*("accepted_after_rejected", "break", "rejected", "unknown")]
    assert market.obstacles() == ["window 2026-W47 has no line that is ready"]
    market.rows(
        OWNER,
        "update finance.breaks set closed_at = now(), closed_by = 'ana', close_note = 'not paid'",
    )
    market.approve("cem")
    assert market.obstacles() == []


def test_paid_after_its_money_had_come_back_holds_the_seller(market: Market) -> None:
    """The balance of the next window has the money again; the correction is in none of its rows."""
    take(market, "answer", "failed", "seen failed")
    market.close(Line(LINE.seller, 23_456), Line("s2", 700, "SPL"), weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    take(market, "completed")
    batch = market.freeze(NEXT_WINDOW)
    assert market.lines("seller_id", f"l.batch_id = {batch}") == [("s2",)]
    left_out = market.rows("dora", "select * from finance.batch_left_out")
    assert [tuple(row.values()) for row in left_out] == [
        (batch, LINE.seller, 23_456, "outcome_conflict")
    ]


def test_a_correction_that_the_close_has_seen_holds_nobody(market: Market) -> None:
    take(market, "answer", "failed", "seen failed")
    market.at(CLOSE + WEEK - timedelta(days=1))
    take(market, "completed")
    market.close(Line(LINE.seller, 11_111), weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    market.freeze(NEXT_WINDOW)


def test_reconcile_asks_the_rail() -> None:
    """Failed money comes back when the rail says so again; one silence does not hide the rest."""
    with Market.open() as market, rail(failure_rate=1.0) as forgetful:
        market.approved(LINE)
        market.pay(forgetful)
        with rail(failure_rate=1.0) as url:
            market.close(*LINES, weeks=1)
            market.approve("ana", window=NEXT_WINDOW)
            market.at(DUE + WEEK)
            market.pay(url, NEXT_WINDOW)
            eventually(lambda: books(url)["by_status"] == {"failed": len(LINES)})
            with pytest.raises(SettleError) as error:
                reconcile(market.at_rail(url))
            assert str(error.value) == (
                f"the rail does not tell about the batch of {WINDOW} (No such payout); 3 other"
                " lines got an outcome: run settle reconcile again later"
            )
        back = market.lines("returned_at", f"payout_window = '{NEXT_WINDOW}'")
        assert back == [(DUE + WEEK,)] * len(LINES)
        eventually(lambda: books(forgetful)["by_status"] == {"failed": 1})
        assert reconcile(market.at_rail(forgetful)) == 1
        assert reconcile(market.at_rail(forgetful)) == 0


def test_what_the_ledger_shows_as_paid_is_paid_whatever_people_said(market: Market) -> None:
    """No webhook tells of it: the ledger does, and the payout itself says whose money it was."""
    assert concluded(market, 500, "")["batch_state"] == "unknown"
    declare = "select finance.declare_rejected('2026-W47', 'halfin has no such batch')"
    assert [market.value(who, declare) for who in ("ana", "ben")] == [1, 2]
    with rail() as url:
        httpx.post(
            f"{url}/v1/payouts/batch",
            content=exact_bytes(market, 1),
            headers={"X-API-Key": KEY, "Content-Type": "application/json"},
            trust_env=False,
        ).raise_for_status()
        eventually(lambda: books(url)["by_status"] == {"completed": 1})
        market.close(Line(LINE.seller, 23_456), Line("s2", 700, "SPL"), weeks=1)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        reconcile(market.at_rail(url))
        assert market.lines("state, returned_at, retaken_at") == [("completed", DUE, DUE + WEEK)]
        assert market.rows("dora", "select * from finance.breaks where closed_at is null") == []
        assert "completed_after_rejected" in market.kinds("alerts")
        # This week's row has the money still; what comes off it lands in the next one.
        batch = market.freeze(NEXT_WINDOW)
        assert market.lines("seller_id", f"l.batch_id = {batch}") == [("s2",)]


def test_a_payout_of_the_ledger_that_the_rail_does_not_know_is_named(market: Market) -> None:
    entry = (
        "insert into halfin.ledger_entries values ('USDT_ERC20', 'e1', 'payout', -1, 'p1', now())"
    )
    market.rows(OWNER, entry)
    with rail() as url, pytest.raises(SettleError) as error:
        reconcile(market.at_rail(url))
    assert str(error.value).startswith(
        "the rail does not tell about payout p1 (No such payout); 0 "
    )


def test_what_the_rail_has_spoken_of_is_not_declared_rejected(market: Market) -> None:
    """Its webhook came, its answer did not: taking the line back would pay it twice."""
    concluded(market, 500, "")
    take(market, "completed")
    said = market.refusal("ana", "select finance.declare_rejected('2026-W47', 'not there')")
    assert said == (
        "the rail has spoken of a payout of the batch of 2026-W47 already: it has it;"
        " run settle pay 2026-W47 again; where that is stopped again, ask halfin about each line,"
        " settle resolve 2026-W47 SELLER, and take back what was never sent,"
        " settle withdraw 2026-W47"
    )
    assert (market.state(), found(market)) == (["unknown"], "completed")


def test_an_answer_with_another_calls_id_is_taken_and_told(market: Market) -> None:
    assert answer(market) == "accepted"
    market.close(Line("s2", 700, "SPL"), Line(LINE.seller, 900), weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    batch = market.freeze(NEXT_WINDOW)
    body = {"data": {"id": "batch-1", "payouts": [payout(market, "s2")]}}
    row = concluded(market, 201, json.dumps(body), batch=batch)
    assert row["batch_state"] == "accepted"
    assert "repeated_batch_id" in market.kinds("breaks")
    # It has no id to ask by: its payouts have.
    asked = market.rows(ORCHESTRATOR, "select path, rail_id from finance.open_lookups()")
    assert (
        asked
        == [
            {"path": "/v1/payouts", "rail_id": payout(market, "s2")["id"]},
            {"path": "/v1/payouts/batch", "rail_id": "batch-1"},
        ][::-1]
    )


def declared_lost(market: Market) -> None:
    """Two people said that the rail does not have the batch; a try was under way all the time."""
    assert concluded(market, 500, "")["batch_state"] == "unknown"
    for who in ("ben", "cem"):
        market.rows(who, "select finance.declare_rejected('2026-W47', 'halfin has no such batch')")
    assert found(market) == "rejected"


def the_break(market: Market) -> int:
    [row] = market.rows("dora", "select break_id from finance.breaks where closed_at is null")
    return int(row["break_id"])


def test_a_break_that_holds_its_seller_takes_two(market: Market) -> None:
    declared_lost(market)
    receive(market, "payout.processing", status="processing")
    market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", seen(market, "processing"))
    number = the_break(market)
    assert market.obstacles() == ["window 2026-W47 has no line that is ready"]
    assert market.value("ana", CLOSE_BREAK, number) is False
    assert market.value("ana", CLOSE_BREAK, number) is False
    assert market.obstacles() == ["window 2026-W47 has no line that is ready"]
    assert market.value("ben", CLOSE_BREAK, number) is True
    # And who closed it does not approve alone.
    market.approve("ana")
    assert market.obstacles() == [
        "ana closed the break of a held seller of 2026-W47 and is its only approver: somebody else"
        " must approve too"
    ]
    market.approve("cem")
    assert market.obstacles() == []


def test_money_that_left_for_nobody_knows_what_stops_the_payout(market: Market) -> None:
    """The call arrived after it was declared lost, and the rail does not say what it paid."""
    declared_lost(market)
    market.rows(
        OWNER,
        "insert into halfin.ledger_entries"
        " values ('USDT_TRC20', 'e1', 'payout', -123.45, 'p1', %s)",
        DUE,
    )
    market.rows(ORCHESTRATOR, "select finance.compare_books()")
    market.approve("ana")
    unknown = (
        "the rail's ledger shows payout p1, of which the rail has not told what it paid:"
        " run settle reconcile"
    )
    assert market.obstacles() == [unknown]
    # Nobody says what it was before the rail was asked.
    assert market.refusal("ana", CLOSE_BREAK, the_break(market)).endswith(
        "stays open: the rail was not asked about the payout yet, run settle reconcile"
    )
    asked = market.rows(ORCHESTRATOR, "select rail_id from finance.open_lookups()")
    assert [row["rail_id"] for row in asked] == ["p1"]
    told = payout(market, id="p1", status="completed") | COMPLETED
    body = json.dumps({"data": {"id": "b", "payouts": [told]}}).encode()
    assert market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", body) == 1
    assert market.lines("state, payout_id") == [("completed", "p1")]
    assert market.obstacles() == ["window 2026-W47 has no line that is ready"]


def test_a_payout_of_another_amount_stops_nobody_once_the_rail_has_told(market: Market) -> None:
    """Money left that no line has, and never will: the rail said for what, so others are paid."""
    other = payout(market, amount="999.000000", status="completed")
    assert answer(market, other) == "accepted"
    entry = "insert into halfin.ledger_entries values ('USDT_TRC20', 'e1', 'payout', -999, %s, %s)"
    market.rows(OWNER, entry, other["id"], DUE)
    market.rows(ORCHESTRATOR, COMPARE)
    market.close(Line("s2", 700, "SPL"), weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    [said] = market.obstacles(NEXT_WINDOW)
    assert "of which the rail has not told what it paid" in said
    body = json.dumps({"data": other}).encode()
    for _ in range(2):  # reconcile asks each hour
        assert market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", body) == 0
        market.rows(ORCHESTRATOR, COMPARE)
    assert market.obstacles(NEXT_WINDOW) == []
    assert found(market) == "frozen"
    told = "select detail from finance.breaks where kind = 'unknown_payout'"
    assert market.value("dora", told) == (
        f"the rail has paid payout {other['id']} for seller {LINE.seller} in {WINDOW}, and it"
        " differs from the line in amount: what the seller has of it is for people to say"
    )
    # The rail mends its record, and the line has it.
    look_up(market, "completed")
    market.rows(ORCHESTRATOR, COMPARE)
    assert found(market) == "completed"
    [closed] = market.rows("dora", told.replace("detail", "closed_by"))
    assert closed["closed_by"] == "an outcome"


def test_what_completes_after_the_break_was_closed_is_paid_once(market: Market) -> None:
    """Two people were wrong twice: the rail's word still takes the money off the balance."""
    declared_lost(market)
    market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", seen(market, "processing"))
    for who in ("ana", "ben"):
        market.value(who, CLOSE_BREAK, the_break(market))
    take(market, "completed")
    assert market.lines("state, retaken_at") == [("completed", DUE)]
    assert market.obstacles() == ["window 2026-W47 has no line that is ready"]
    assert market.kinds("alerts").count("completed_after_rejected") == 1


def test_a_lost_attempt_that_is_paid_pays_the_next_ones_line(market: Market) -> None:
    """Both have the key of the window and the seller, under which the rail pays once."""
    declared_lost(market)
    first = payout(market, status="completed") | COMPLETED
    market.approve("ana")
    batch = market.freeze()
    body = json.dumps({"event": "payout.completed", "data": first}).encode()
    market.rows(WEBHOOK, RECEIVE, body)
    assert market.lines("state, payout_id") == [
        ("rejected", None),
        ("completed", first["id"]),
    ]
    assert market.rows("dora", "select * from finance.breaks where closed_at is null") == []
    # Nothing is left to send of it, and nothing to take back.
    assert "is stopped, it was never sent" in market.refusal(ORCHESTRATOR, BEGIN, batch)
    assert market.value("ana", "select finance.withdraw_batch('2026-W47', 'paid before')") == 0
    assert market.state() == ["rejected", "accepted"]


def test_a_failure_that_is_confirmed_closes_the_break_of_a_rejected_line(market: Market) -> None:
    declared_lost(market)
    market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", seen(market, "processing"))
    receive(market, "payout.failed", **FAILED, status="failed")
    assert the_break(market)
    market.value(ORCHESTRATOR, "select finance.record_lookup(%s)", seen(market, "failed"))
    assert market.rows("dora", "select * from finance.breaks where closed_at is null") == []
    assert found(market) == "rejected"
    market.approve("ana")
    assert market.obstacles() == []


def seen(market: Market, status: str) -> bytes:
    """A look-up's answer about the line's payout."""
    shown = {"id": "b", "payouts": [payout(market, status=status) | COMPLETED]}
    return json.dumps({"data": shown}).encode()


def test_who_closed_a_break_in_an_earlier_window_is_not_the_only_approver(market: Market) -> None:
    """The seller waited a week for another reason, and then one of the two paid them alone."""
    take(market, "answer", "failed", "seen failed")
    look_up(market, "processing")
    market.at(DUE + timedelta(days=1))
    for who in ("ana", "ben"):
        market.rows(who, "select finance.close_break(1, 'asked')")
    market.close(Line(LINE.seller, 23_456, holds=("below_minimum",)), weeks=1)
    market.close(Line(LINE.seller, 23_456), weeks=2)
    market.approve("ana", window="2026-W49")
    market.at(DUE + 2 * WEEK)
    assert market.obstacles("2026-W49") == [
        "ana closed the break of a held seller of 2026-W49 and is its only approver: somebody else"
        " must approve too"
    ]
    market.approve("cem", window="2026-W49")
    market.freeze("2026-W49")
