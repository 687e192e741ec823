"""Examples worked by hand from the rules in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from . import model
from .facts import Adjustment, Facts, Line, Order
from .rows import DAY, MONDAY, event, fee, history, order, refund, seller
from .settings import LatePolicy, Policy, Settings

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
LATER = MONDAY + 100 * DAY
POLICIES: tuple[LatePolicy, ...] = ("absorb", "until_window_close", "recover")


def amounts(facts: Facts, at: datetime = LATER, settings: Settings = model.DEFAULTS) -> dict:
    return {e.source_id: e.amount_minor for e in model.entries(facts, at, settings)}


def found(facts: Facts, at: datetime = LATER) -> list[tuple[str, str]]:
    return [(row.id, row.reason) for row in model.exceptions(facts, at)]


def nets(facts: Facts, at: datetime) -> dict[str, tuple[int, int]]:
    """(carried forward, net) by window."""
    rows = model.settlement(facts, at)
    return {row.payout_window: (row.carried_forward, row.net) for row in rows}


def test_claims_move_a_plain_sum_that_is_clamped_to_gross() -> None:
    facts = history(
        refund("r1", "60.00", MONDAY + 1 * DAY),  # sum 60
        event("opened", "60.00", MONDAY + 2 * DAY),  # sum 120: 40 is left to take
        event("won", "60.00", MONDAY + 3 * DAY),  # sum 60: only those 40 come back
        refund("r2", "50.00", MONDAY + 4 * DAY),  # sum 110: 40 again
    )
    assert amounts(facts) == {
        "o1": 100_00,
        "r1": -60_00,
        "d1-opened": -40_00,
        "d1-won": 40_00,
        "r2": -40_00,
    }
    assert [(row.id, row.amount_minor) for row in model.exceptions(facts, LATER)] == [
        ("d1-opened", 20_00),
        ("d1-won", 20_00),
        ("r2", 10_00),
    ]


def test_ties_are_sorted_refund_opened_won_then_by_id_in_c_order() -> None:
    at = MONDAY + DAY
    facts = history(
        event("won", "80.00", at, "A"),
        event("opened", "80.00", at, "B"),
        refund("a", "60.00", at),
        refund("Z", "70.00", at),
    )
    # Z 70, a 30 of 60, the open nothing (sum 210), the win nothing (sum 130).
    assert amounts(facts) == {"o1": 100_00, "Z": -70_00, "a": -30_00}


def test_a_win_before_its_open_counts_with_the_open() -> None:
    facts = history(
        event("won", "70.00", MONDAY + 1 * DAY),
        event("opened", "50.00", MONDAY + 3 * DAY),
    )
    assert amounts(facts, MONDAY + 2 * DAY) == {"o1": 100_00}
    assert found(facts, MONDAY + 2 * DAY) == [("d1-won", "outcome_without_opened")]
    entries = {e.source_id: e for e in model.entries(facts, LATER)}
    assert entries["d1-opened"].amount_minor == -50_00
    assert entries["d1-won"].amount_minor == 50_00  # won above what was opened gives back that
    assert entries["d1-won"].known_at == MONDAY + 3 * DAY
    assert found(facts) == []


def test_each_event_sets_what_the_seller_bears_from_then_on() -> None:
    told = [
        ("opened", "50.00", 50_00),
        ("won", "20.00", 30_00),
        ("lost", "40.00", 40_00),  # revised, and in part
        ("lost", "80.00", 50_00),  # never above what was opened
        ("withdrawn", "7.00", 0),
        ("opened", "10.00", 10_00),  # a second chargeback
        ("won", "99.00", 0),
        ("lost", "0.00", 0),
        ("lost", "10.00", 10_00),
    ]
    events = [
        event(kind, amount, MONDAY + n * HOUR, f"e{n}") for n, (kind, amount, _) in enumerate(told)
    ]
    for n, (_, _, borne) in enumerate(told):
        taken = amounts(history(*events), MONDAY + n * HOUR)
        assert sum(taken.values()) == 100_00 - borne, n
    assert found(history(*events)) == []


def test_a_bad_event_sets_nothing() -> None:
    other = Order("o2", "c1", "s1", "USD", Decimal(10), MONDAY, MONDAY)
    facts = history(
        order(),
        other,
        event("opened", "50.00", MONDAY + 1 * DAY),
        event("lost", "50.00", MONDAY + 2 * DAY, "x", order_id="o2"),
        event("won", "50.005", MONDAY + 3 * DAY, "y"),
        event("opened", "1.00", MONDAY + 3 * DAY, "again"),
        event("settled", "1.00", MONDAY + 3 * DAY, "z"),
        event("won", "20.00", MONDAY + 4 * DAY, "good"),
        event("opened", "0.00", MONDAY + 5 * DAY, "zero"),
    )
    assert amounts(facts) == {"o1": 100_00, "o2": 10_00, "d1-opened": -50_00, "good": 20_00}
    assert found(facts) == [
        ("again", "opened_while_open"),
        ("x", "outcome_without_opened"),
        ("y", "too_many_decimals"),
        ("z", "unknown_event_type"),
        ("zero", "amount_not_positive"),
    ]


def test_known_is_included_and_available_belongs_to_the_window_that_starts_then() -> None:
    facts = history(order(recorded=MONDAY + DAY), fee("f1", "12.00"), fee("f0", "0.00"))
    assert amounts(facts, MONDAY + DAY - MICROSECOND) == {}
    assert amounts(facts, MONDAY + DAY) == {"o1": 100_00, "f1": -12_00}
    release = MONDAY + 7 * DAY
    before = model.reserve(facts, release - MICROSECOND)[0]
    assert (before.pending_balance, before.available_balance) == (88_00, 0)
    assert (before.next_release_at, before.next_release_amount) == (release, 88_00)
    assert model.order_reserve(facts, release - MICROSECOND)[0].held_minor == 88_00
    at_release = model.reserve(facts, release)[0]
    assert (at_release.pending_balance, at_release.available_balance) == (0, 88_00)
    assert model.order_reserve(facts, release) == []
    assert {e.payout_window for e in model.entries(facts, LATER)} == {"2026-W03"}
    early = history(order(at=MONDAY - MICROSECOND))
    assert {e.payout_window for e in model.entries(early, LATER)} == {"2026-W02"}


def test_the_open_window_shows_what_becomes_available_later_in_it() -> None:
    facts = history(order(at=MONDAY + DAY))
    [row] = model.settlement(facts, MONDAY + 7 * DAY)  # released on Tuesday, asked on Monday
    assert (row.payout_window, row.is_open, row.net) == ("2026-W03", True, 100_00)
    assert model.settlement(facts, MONDAY + 7 * DAY - MICROSECOND) == []
    [row] = model.settlement(facts, MONDAY + 14 * DAY)[:1]
    assert (row.is_open, row.gross, row.order_count, row.rail) == (False, 100_00, 1, "ERC-20")


@pytest.mark.parametrize(
    ("opened_at", "charged"),
    [
        (7 * DAY - MICROSECOND, POLICIES),  # in time for everyone
        (7 * DAY, ("until_window_close", "recover")),  # at its release
        (14 * DAY - MICROSECOND, ("until_window_close", "recover")),
        (14 * DAY, ("recover",)),  # at the end of its paying window
    ],
)
@pytest.mark.parametrize("policy", POLICIES)
def test_late_disputes(policy: LatePolicy, opened_at: timedelta, charged: tuple[str, ...]) -> None:
    settings = Settings(late_disputes=policy)
    at = MONDAY + opened_at
    facts = history(event("opened", "40.00", at), event("won", "10.00", at + DAY))
    taken = {"d1-opened": -40_00, "d1-won": 10_00} if policy in charged else {}
    assert amounts(facts, LATER, settings) == {"o1": 100_00, **taken}
    late = [row.amount_minor for row in model.late_disputes(facts, LATER, settings)]
    assert late == ([] if taken else [40_00])
    health = model.health(facts, MONDAY + 21 * DAY, settings)[0]
    assert health.trailing_30d_disputes == 40_00  # late or not, won or not


def test_in_time_asks_for_the_occurrence_and_for_the_knowledge() -> None:
    opened = event("opened", "40.00", MONDAY + 6 * DAY)
    end = MONDAY + 14 * DAY
    known = replace(opened, recorded_at=end - MICROSECOND)
    assert amounts(history(known))["d1-opened"] == -40_00
    assert "d1-opened" not in amounts(history(replace(opened, recorded_at=end)))


def test_the_paying_window_of_an_order_known_late_is_where_it_became_known() -> None:
    known = MONDAY + 17 * DAY  # W04, though released in W03
    settings = Settings(late_disputes="until_window_close")
    for recorded, taken in ((MONDAY + 21 * DAY - MICROSECOND, -40_00), (MONDAY + 21 * DAY, None)):
        opened = replace(event("opened", "40.00", MONDAY + DAY), recorded_at=recorded)
        for chosen in (settings, Settings()):
            facts = history(order(recorded=known), opened)
            assert amounts(facts, LATER, chosen).get("d1-opened") == taken


def test_a_new_policy_rewrites_nothing() -> None:
    policies = (Policy(MONDAY, 14), Policy(MONDAY + DAY, 2))
    settings = Settings(policies=policies)
    for at, days in ((MONDAY - MICROSECOND, 7), (MONDAY, 14), (MONDAY + DAY, 2)):
        [row] = model.order_reserve(history(order(at=at)), at, settings)
        assert row.release_at == at + days * DAY


def test_an_order_waits_for_its_seller_and_its_facts_wait_with_it() -> None:
    since = MONDAY + 30 * DAY
    facts = history(seller(created_at=since), fee("f1", "12.00"))
    assert amounts(facts, since - MICROSECOND) == {}
    assert found(facts, since - MICROSECOND) == [
        ("f1", "unknown_seller"),
        ("o1", "unknown_seller"),
    ]
    assert {e.known_at for e in model.entries(facts, LATER)} == {since}
    assert found(facts) == []


def test_a_negative_balance_is_carried_until_it_is_earned_back() -> None:
    refunded = refund("r1", "100.00", MONDAY + 15 * DAY)
    more = Order("o2", "c2", "s1", "USD", Decimal(50), MONDAY + 21 * DAY, MONDAY + 21 * DAY)
    paid = Line("s1", "2026-W03", Decimal("88.00"), MONDAY + 15 * DAY)
    facts = history(order(), more, fee("f1", "12.00"), refunded, paid)
    assert nets(facts, MONDAY + 28 * DAY) == {
        "2026-W03": (0, 88_00),
        "2026-W04": (0, -100_00),
        "2026-W05": (-100_00, -100_00),
        "2026-W06": (-100_00, -50_00),
    }


def test_a_line_that_came_back_and_then_completed_after_all() -> None:
    frozen = MONDAY + 15 * DAY  # W03, frozen on the Tuesday of W04
    line = Line("s1", "2026-W03", Decimal("100.00"), frozen, frozen + 8 * DAY, frozen + 22 * DAY)
    facts = history(order(), line)
    assert nets(facts, frozen - HOUR)["2026-W04"] == (100_00, 100_00)
    assert nets(facts, frozen) == {"2026-W03": (0, 100_00)}
    assert nets(facts, frozen + 30 * DAY) == {
        "2026-W03": (0, 100_00),
        "2026-W05": (100_00, 100_00),
        "2026-W06": (100_00, 100_00),
    }
    balances = [model.reserve(facts, frozen + n * DAY)[0].available_balance for n in (-1, 0, 8, 22)]
    assert balances == [100_00, 0, 100_00, 0]


def test_windows_are_real_weeks_of_the_time_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring = model.window_labelled("2026-W13", berlin)
    assert spring.ends_at - spring.starts_at == 167 * HOUR
    assert model.window_labelled("2026-W43", berlin).ends_at == datetime(
        2026, 10, 25, 23, tzinfo=UTC
    )
    assert model.window_of(datetime(2021, 1, 3, 22, tzinfo=UTC), berlin).label == "2020-W53"
    assert model.window_of(datetime(2021, 1, 3, 23, tzinfo=UTC), berlin).label == "2021-W01"


def test_adjustments_and_fee_credits_above_the_fees() -> None:
    facts = history(
        fee("f1", "12.00"),
        fee("f2", "-15.00"),
        Adjustment("adj", "s1", Decimal("-4.00"), MONDAY + 13 * DAY),
    )
    assert found(facts) == [("f2", "fee_credit_above_fees")]
    row = model.settlement(facts, LATER)[0]
    assert (row.gross, row.fees, row.adjustments, row.net) == (100_00, -3_00, -4_00, 99_00)
