"""Facts that are committed after the close that should have had them, worked by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from . import model
from .facts import Facts, Order
from .posting import Posting
from .rows import DAY, MONDAY, charge, event, fee, history, order, refund, seller
from .settings import LatePolicy, Settings

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)
UTC = Settings()
# The order of Monday is released on the Monday after, in the first window.
FIRST, SECOND, THIRD = (
    model.window_of(MONDAY + weeks * 7 * DAY, UTC.timezone) for weeks in (1, 2, 3)
)


def closed(*loads: Facts, settings: Settings = UTC) -> Posting:
    """After a close of each window, one after another, over what had landed by then."""
    posting = model.NOTHING_STORED
    for facts, window in zip(loads, (FIRST, SECOND, THIRD), strict=False):
        posting = model.close(facts, window, settings, posting)
    return posting


def entered(facts: Facts, posting: Posting, settings: Settings = UTC) -> dict[str, tuple[int, str]]:
    ledger = model.keep(facts, MONDAY + 99 * DAY, settings, posting)
    return {e.source_id: (e.amount_minor, e.payout_window) for e in ledger.entries}


def test_a_late_fact_is_posted_to_the_window_that_was_open_when_it_came() -> None:
    rows = (order(), charge("c1", "2.00", MONDAY))
    on_time = history(*rows)
    late = history(*rows, fee("f1", "3.00"), charge("c2", "4.00", MONDAY + 7 * DAY))
    posting = closed(on_time)
    expected = {
        "o1": (100_00, FIRST.label),
        "c1": (-2_00, model.window_of(MONDAY, UTC.timezone).label),
        "f1": (-3_00, SECOND.label),
        "c2": (-4_00, SECOND.label),
    }
    assert entered(late, posting) == expected
    for closes in ((on_time, late), (on_time, late, late)):
        assert entered(late, closed(*closes)) == expected
    assert entered(late, closed(on_time, on_time))["f1"] == (-3_00, THIRD.label)
    listed = model.all_exceptions(model.keep(late, MONDAY + 99 * DAY, UTC, posting))
    assert [(row.id, row.reason) for row in listed] == [
        ("f1", "posted_late"),
        ("c2", "posted_late"),
    ]


def test_a_close_remembers_what_had_no_effect() -> None:
    """The second refund finds nothing left; were it posted anew each week, it would once."""
    rows = (refund("r1", "100.00", MONDAY), refund("r2", "100.00", MONDAY + HOUR))
    reversal = refund("b1", "100.00", FIRST.ends_at + DAY, reverses="r1")
    facts, more = history(*rows), history(*rows, reversal)
    expected = {"o1": (100_00, FIRST.label), "r1": (-100_00, FIRST.label)}
    for posting in (closed(facts), closed(facts, more), closed(facts, more, more)):
        assert entered(more, posting) == expected
        assert posting.posted == {}


def test_a_late_claim_comes_after_those_that_are_stored() -> None:
    early = refund("r0", "80.00", MONDAY)
    facts = history(refund("r1", "80.00", MONDAY + DAY))
    late = history(early, *facts.refunds)
    assert entered(late, model.NOTHING_STORED)["r1"] == (-20_00, FIRST.label)
    assert entered(late, closed(facts)) == {
        "o1": (100_00, FIRST.label),
        "r1": (-80_00, FIRST.label),
        "r0": (-20_00, SECOND.label),
    }


def test_an_order_whose_release_is_ahead_is_not_late() -> None:
    placed = MONDAY + 8 * DAY
    facts = history(order(), replace(order(at=placed), order_id="o2"))
    late = replace(facts, refunds=(replace(refund("r2", "1.00", placed), order_id="o2"),))
    assert closed(facts, late).posted == {}
    assert entered(late, closed(facts))["r2"] == (-1_00, SECOND.label)


def test_what_belongs_to_a_late_order_is_known_with_it() -> None:
    other = Order("o2", "c2", "s1", "USD", Decimal(10), MONDAY, MONDAY)
    waits = replace(event("opened", "4.00", MONDAY + DAY), order_id="o2")
    on_time = history(order(), waits)
    late = history(order(), other, waits)
    posting = closed(on_time)
    assert entered(late, posting)["o2"] == (10_00, SECOND.label)
    assert entered(late, posting)["d1-opened"] == (-4_00, SECOND.label)  # in time for its order
    assert closed(on_time, late).posted == {("orders", "s1", "o2"): FIRST.ends_at}


def test_a_dispute_posted_to_an_order_that_was_not_is_absorbed() -> None:
    late = history(event("opened", "4.00", MONDAY + DAY))
    policies: dict[LatePolicy, bool] = {
        "absorb": False,
        "until_window_close": False,
        "recover": True,
    }
    for policy, is_charged in policies.items():
        settings = Settings(late_disputes=policy)
        posting = closed(history(), settings=settings)
        assert ("d1-opened" in entered(late, posting, settings)) is is_charged
        ledger = model.keep(late, MONDAY + 99 * DAY, settings, posting)
        windows = [row.payout_window for row in model.late_dispute_rows(ledger)]
        assert windows == ([] if is_charged else [SECOND.label])


def test_the_first_opened_is_the_one_that_was_known_first_posted_or_not() -> None:
    opened = event("opened", "40.00", MONDAY + 2 * DAY)
    won = event("won", "40.00", MONDAY + 3 * DAY)
    late = event("opened", "99.00", MONDAY + DAY, "earlier")
    posting = closed(history(opened, won))
    assert entered(history(opened, won, late), posting) == {
        "o1": (100_00, FIRST.label),
        "d1-opened": (-40_00, FIRST.label),
        "d1-won": (40_00, FIRST.label),
        "earlier": (-99_00, SECOND.label),  # as of a second chargeback
    }


def test_a_second_opened_keeps_its_place_when_an_outcome_comes_late() -> None:
    again = event("opened", "1.00", MONDAY + 3 * DAY, "again")
    on_time = history(event("opened", "40.00", MONDAY + DAY), again)
    late = history(*on_time.dispute_events, event("won", "40.00", MONDAY + 2 * DAY))
    assert "again" not in entered(late, closed(on_time))
    assert "again" not in entered(on_time, closed(on_time, on_time, on_time))


def test_an_order_is_posted_that_waited_for_its_seller() -> None:
    on_time = replace(history(order()), sellers=(seller("s2"),))
    late = history(order())
    assert entered(late, closed(on_time)) == {"o1": (100_00, SECOND.label)}


def test_before_its_instant_a_posted_fact_does_not_exist() -> None:
    late = history(order(), fee("f1", "3.00"))
    posting = closed(history(order()))
    for at, rows in ((FIRST.ends_at - MICROSECOND, ["o1"]), (FIRST.ends_at, ["o1", "f1"])):
        assert [e.source_id for e in model.keep(late, at, UTC, posting).entries] == rows
