"""A payout that was paid and sent back; states and ledger rows that nobody documented."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import (
    DUE,
    LINES,
    NEXT_WINDOW,
    WEEK,
    Line,
    Market,
    books,
    eventually,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import COMPLETED, FAILED, LINE, confirm, look_up, receive, take
from tests.functions.situations import COMPARE, sent

HOUR = timedelta(hours=1)
ENTRY = "insert into halfin.ledger_entries values (%s, %s, %s, %s, %s, %s)"
READ = "update halfin.ledger_reads set read_at = %s where currency = %s"
OPEN = "select kind from finance.breaks where closed_at is null order by 1"


@pytest.fixture
def market() -> Iterator[Market]:
    """A line that is sent; its payout has no outcome yet."""
    with sent() as market:
        yield market


def open_breaks(market: Market) -> list[str]:
    return [row["kind"] for row in market.rows("dora", OPEN)]


def line(market: Market) -> tuple[object, ...]:
    [found] = market.lines("state, returned_at, retaken_at")
    return found


def ledger(market: Market, *rows: tuple[str, str]) -> None:
    """What the rail's ledger has of the line's payout: its words and amounts."""
    [(payout_id, currency)] = market.lines("payout_id, rail_currency")
    for number, (word, amount) in enumerate(rows):
        market.rows(OWNER, ENTRY, currency, f"e{number}", word, Decimal(amount), payout_id, DUE)
    market.rows(OWNER, READ, DUE + 2 * HOUR, currency)
    market.rows(ORCHESTRATOR, COMPARE)


def test_a_return_is_credited_back_once_the_rail_says_so_when_asked(market: Market) -> None:
    take(market, "completed", "failed")
    assert line(market) == ("completed", None, None)
    assert open_breaks(market) == ["failed_after_completed"]
    market.at(DUE + HOUR)
    assert confirm(market, "failed") == 1
    assert line(market) == ("returned", DUE + HOUR, None)
    assert open_breaks(market) == []
    assert market.kinds("alerts") == ["break", "returned"]
    assert confirm(market, "failed") == 0
    events = market.rows("dora", "select kind from finance.line_events order by line_event_id")
    assert [row["kind"] for row in events][-2:] == ["completed", "returned"]


def test_a_look_up_older_than_the_completion_confirms_no_return(market: Market) -> None:
    """It was asked while the payout had failed, and is recorded once it has completed."""
    take(market, "completed")
    assert look_up(market, "failed") == 0
    assert line(market) == ("completed", None, None)
    assert open_breaks(market) == ["failed_after_completed"]


def test_a_payout_that_is_completed_when_asked_again_stays_paid(market: Market) -> None:
    take(market, "completed", "failed")
    assert confirm(market, "completed") == 0
    assert line(market) == ("completed", None, None)
    assert open_breaks(market) == ["failed_after_completed"]


def test_a_returned_line_is_paid_by_the_next_one(market: Market) -> None:
    """Its window is carried in, and its receipt says so."""
    take(market, "completed", "failed", "confirmed")
    market.close(Line(LINE.seller, LINE.net_minor + 500), weeks=1)
    market.approve("ana", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    batch = market.freeze(NEXT_WINDOW)
    assert market.lines("amount_minor", f"l.batch_id = {batch}") == [(LINE.net_minor + 500,)]
    windows = market.rows(
        "dora",
        "select w.payout_window from finance.line_windows as w inner join finance.payout_lines as l"
        " on w.line_id = l.line_id where l.batch_id = %s order by 1",
        batch,
    )
    assert [row["payout_window"] for row in windows] == ["2026-W47", NEXT_WINDOW]


def test_what_completes_after_its_return_is_paid_and_holds_the_next_line(market: Market) -> None:
    take(market, "completed", "failed", "confirmed")
    market.close(Line(LINE.seller, 23_456), Line("s2", 700, "SPL"), weeks=1)
    market.at(DUE + WEEK)
    take(market, "completed again")
    assert line(market) == ("completed", DUE, DUE + WEEK)
    assert "completed_after_returned" in market.kinds("alerts")
    [held] = market.rows(
        "dora",
        "select hold_reasons from finance.current_holds(%s) where seller_id = %s",
        *(NEXT_WINDOW, LINE.seller),
    )
    assert held["hold_reasons"] == ["outcome_conflict"]


def test_money_is_credited_back_once_whatever_the_rail_says_then(market: Market) -> None:
    """Failed, completed, and failed once more: a person corrects it."""
    take(market, "failed", "seen failed", "completed")
    market.at(DUE + HOUR)
    take(market, "failed", "confirmed")
    assert line(market) == ("completed", DUE, DUE)
    [found] = market.rows("dora", "select detail from finance.breaks where closed_at is null")
    assert found["detail"].endswith("correct it with an adjustment")


@pytest.mark.parametrize("state", ["cancelled", "expired", "rejected", "returned", "reversed"])
def test_another_word_for_failed_counts_once_the_rail_was_asked(market: Market, state: str) -> None:
    receive(market, f"payout.{state}", **FAILED)
    assert line(market) == ("submitted", None, None)
    assert look_up(market, state) == 1
    assert line(market) == ("failed", DUE, None)


def test_a_failure_that_the_rail_does_not_confirm_is_told(market: Market) -> None:
    """Its money is neither the seller's nor in the balance, for as long as nobody asks halfin."""
    receive(market, "payout.failed", **FAILED)
    assert look_up(market, "processing") == 0
    market.at(DUE + 24 * HOUR)
    market.rows(ORCHESTRATOR, COMPARE)
    assert market.kinds("alerts") == []
    market.at(DUE + 25 * HOUR)
    market.rows(ORCHESTRATOR, COMPARE)
    assert line(market) == ("failed", None, None)
    assert market.kinds("alerts") == ["stuck"]


def test_a_webhook_of_a_return_is_asked_about(market: Market) -> None:
    take(market, "completed")
    receive(market, "payout.reversed", **FAILED)
    assert open_breaks(market) == ["failed_after_completed"]
    assert confirm(market, "reversed") == 1
    assert line(market) == ("returned", DUE, None)


@pytest.mark.parametrize("step", ["answer", "completed", "failed", "seen failed"])
def test_a_state_that_nobody_knows_moves_nothing_and_is_told_once(
    market: Market, step: str
) -> None:
    take(market, step)
    before = line(market)
    for _ in range(2):
        assert look_up(market, "on_hold") == 0
    assert line(market) == before
    # Where its money was credited back, that holds the seller.
    expected = ["break"] if step == "seen failed" else []
    assert market.kinds("alerts") == [*expected, "unknown_status"]


@pytest.mark.parametrize("words", [("payout", "fee"), ("withdrawal", "gas"), ("x", "network_fee")])
def test_the_ledger_is_read_whatever_its_rows_are_called(
    market: Market, words: tuple[str, str]
) -> None:
    receive(market, "payout.completed", **COMPLETED, fee_amount="0.1")
    paid, fee = words
    ledger(market, (paid, "-123.45"), (fee, "-1.35"))
    assert open_breaks(market) == []


def test_a_payment_that_the_ledger_has_twice_is_a_break(market: Market) -> None:
    take(market, "completed")
    ledger(market, ("withdrawal", "-123.45"), ("withdrawal", "-123.45"))
    assert open_breaks(market) == ["ledger_amount"]


@pytest.mark.parametrize("back", ["123.45", "100"])
def test_a_return_that_only_the_ledger_shows_holds_the_seller(market: Market, back: str) -> None:
    take(market, "completed")
    ledger(market, ("payout", "-123.45"), ("fee", "-1.25"), ("deposit", back))
    assert open_breaks(market) == ["returned_by_ledger"]
    market.close(Line(LINE.seller, 500), Line("s2", 700, "SPL"), weeks=1)
    holds = "select seller_id, hold_reasons from finance.current_holds(%s) order by 1"
    held = [tuple(row.values()) for row in market.rows("dora", holds, NEXT_WINDOW)]
    assert held == [(LINE.seller, ["outcome_conflict"]), ("s2", [])]
    # Two people have looked at it: it is not opened again.
    [found] = market.rows("dora", "select break_id from finance.breaks")
    for who in ("ana", "ben"):
        market.value(who, "select finance.close_break(%s, 'kept by halfin')", found["break_id"])
    market.rows(ORCHESTRATOR, COMPARE)
    assert open_breaks(market) == []


def test_what_comes_back_after_people_have_looked_holds_the_seller_again(market: Market) -> None:
    """A part of it they had closed with a note; the rest comes back a week later."""
    take(market, "completed")
    paid, part = ("payout", "-123.45"), ("deposit", "5.00")
    ledger(market, paid, part)
    [found] = market.rows("dora", "select break_id from finance.breaks")
    for who in ("ana", "ben"):
        market.value(who, "select finance.close_break(%s, 'a fee')", found["break_id"])
    market.rows(ORCHESTRATOR, COMPARE)
    assert open_breaks(market) == []
    [(payout_id, currency)] = market.lines("payout_id, rail_currency")
    rest = (currency, "rest", "deposit", Decimal("118.45"), payout_id, DUE + WEEK)
    market.rows(OWNER, ENTRY, *rest)
    market.rows(ORCHESTRATOR, COMPARE)
    assert open_breaks(market) == ["returned_by_ledger"]
    asked = "select confirms from finance.open_lookups()"
    assert market.rows(ORCHESTRATOR, asked) == [{"confirms": payout_id}]


def test_a_return_that_the_ledger_does_not_have_is_a_break(market: Market) -> None:
    take(market, "completed", "failed", "confirmed")
    ledger(market, ("payout", "-123.45"))
    assert open_breaks(market) == ["paid_by_ledger"]


def test_a_return_comes_by_the_rails_own_account(market: Market) -> None:
    """Over HTTP: paid and sent back, no webhook read; the ledger tells, the payout confirms."""
    with Market.open() as market, rail(returned_rate=1.0, returned_s=1.5) as url:
        market.approved()
        market.pay(url)
        eventually(lambda: books(url)["by_status"] == {"completed": len(LINES)})
        assert reconcile(market.at_rail(url)) == len(LINES)
        eventually(lambda: books(url)["by_status"] == {"failed": len(LINES)})
        market.at(DUE + 2 * HOUR)
        assert reconcile(market.at_rail(url)) == 0
        assert open_breaks(market) == ["returned_by_ledger"] * len(LINES)
        assert reconcile(market.at_rail(url)) == len(LINES)
        assert open_breaks(market) == []
        back = market.lines("state, returned_at")
        assert back == [("returned", DUE + 2 * HOUR)] * len(LINES)
        assert reconcile(market.at_rail(url)) == 0


@pytest.mark.parametrize("state", ["cancelled", "on_hold"])
def test_a_line_ends_in_another_state_at_the_rail(state: str) -> None:
    with Market.open() as market, rail(other_state_rate=1.0, other_state=state) as url:
        market.approved(LINE)
        market.pay(url)
        eventually(lambda: books(url)["by_status"] == {state: 1})
        is_known = state == "cancelled"
        assert reconcile(market.at_rail(url)) == int(is_known)
        assert line(market) == (("failed", DUE, None) if is_known else ("submitted", None, None))
        assert market.kinds("alerts") == ([] if is_known else ["unknown_status"])
