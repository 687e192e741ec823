"""A flagged seller is paid, and their orders are under another policy until the reason is gone."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.models import agreement
from tests.models.agreement import compare
from tests.models.worlds import Marketplace, lived
from tests.reference import model
from tests.reference.facts import Assignment, Facts, GoLive
from tests.reference.rows import DAY, MONDAY, event, history, order, seller
from tests.reference.settings import Policy
from tests.simulation.lab import lab
from tests.support.settings import at

UTC = ZoneInfo("UTC")
LAG = timedelta(minutes=15)
WEEK = 7 * DAY
LONG_AGO = MONDAY - 9999 * DAY
RULES = model.Settings(
    policies=(
        Policy(LONG_AGO, 7),
        Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"),
        Policy(LONG_AGO, 14, Decimal(10), 30, "new_seller"),
    )
)
# After how many closes without it each reason is forgotten.
FORGOTTEN = {"disputes": 2, "score": 1}
PAY = (
    "update settlement_seeds.review_actions set action = 'pay', policy = 'elevated',"
    " lift_after_weeks = %s where review_reason = %s"
)
FLAGS = (
    "select payout_window, seller_id, policy, review_reasons, applies_from"
    " from finance.flag_assignments order by flag_assignment_id"
)
TOLD = (
    "select seller_id, data ->> 'cause', data ->> 'policy' from finance.events"
    " where event_type = 'reserve.policy_changed' order by event_number"
)
HELD = (
    "select seller_id from finance.window_close_rows"
    " where payout_window = '{}' and 'manual_review' = any(hold_reasons)"
)
KEPT = (
    "select order_id, held_back, held_back_until from settlement.order_reserve"
    " where seller_id = 'cheat' order by ordered_at"
)


class Weeks:
    """Weeks of one order a seller; each build is compared with the reading, closes included."""

    def __init__(self, live: Marketplace) -> None:
        self.live, self.posting = live, model.NOTHING_STORED
        self.found: dict[str, list[set[str]]] = defaultdict(list)
        self.expected: list[tuple[Any, ...]] = []

    def close(self, number: int) -> str:
        """Build and store the window after which `number` weeks have passed; returns its label."""
        instant = MONDAY + number * WEEK + LAG
        window = model.window_of(instant - WEEK, UTC)
        ledger = self.build(instant)
        for is_new in (True, False):
            with connect(self.live.settings, Component.ORCHESTRATOR) as connection:
                [found] = connection.execute("select finance.store_close(%s)", [window.label])
            assert found == (is_new,)
        self.posting = model.close(self.live.facts, window, RULES, self.posting)
        self._read(ledger, window.label, instant)
        assert self.live.select(FLAGS) == self.expected
        self.build(instant + timedelta(hours=13))
        return window.label

    def build(self, instant: datetime) -> model.Ledger:
        """In part, as after a close; and in full."""
        for is_full in (False, True):
            lab().project.build(at(self.live.settings, instant), full_refresh=is_full)
            ledger = model.keep(self.live.facts, instant, RULES, self.posting)
            found = agreement.sql(self.live.settings, "settlement")
            compare(found, agreement.oracle(ledger), f"{instant}, in full: {is_full}")
        return ledger

    def _read(self, ledger: model.Ledger, label: str, instant: datetime) -> None:
        """The rule once more, from its words: who is flagged is under elevated from now on."""
        for row in model.health_rows(ledger):
            weeks = self.found[row.seller_id]
            weeks.append(set(row.review_reasons))
            asks = {r for r, most in FORGOTTEN.items() if any(r in week for week in weeks[-most:])}
            mine = [a for a in self.live.facts.assignments if a.seller_id == row.seller_id]
            is_elevated = bool(mine) and mine[-1].policy == "elevated"
            is_decided = bool(mine) and mine[-1].policy == "new_seller"
            if is_decided or bool(asks) == is_elevated:
                continue
            policy = "elevated" if asks else None
            self.expected.append((label, row.seller_id, policy, sorted(asks), instant))
            decided = Assignment(row.seller_id, policy or "standard", instant)
            assignments = (*self.live.facts.assignments, decided)
            self.live.facts = replace(self.live.facts, assignments=assignments)


def week_of(number: int, *disputed: str) -> Facts:
    """An order of 1,000.00 a seller on Monday noon; those disputed have one of 100.00 at once."""
    placed = MONDAY + number * WEEK + timedelta(hours=12)
    orders = [
        replace(order("1000.00", placed), seller_id=who, order_id=f"o{number}")
        for who in ("cheat", "decided", "steady")
    ]
    opened = (
        event("opened", "100.00", placed + DAY, seller_id=who, order_id=f"o{number}")
        for who in disputed
    )
    return Facts(orders=tuple(orders), dispute_events=tuple(opened))


def test_a_flag_is_paid_held_back_for_and_lifted() -> None:
    """Disputes of 100.00 in 1,000.00, 2,000.00 and 3,000.00 are above 3 %, in 4,000.00 no more.

    The fourth and the fifth close are the two without that reason. What was placed from the first
    close on, and before the lift, has 25 % held back until 37 days after it was placed.
    """
    names = ("cheat", "decided", "steady")
    sellers = (seller(who, MONDAY - 400 * DAY) for who in names)
    people = Assignment("decided", "new_seller", MONDAY - DAY)
    with lived([]) as live:
        for reason, weeks_after in FORGOTTEN.items():
            with connect(live.settings, Component.OWNER) as owner:
                owner.execute(PAY.encode(), [weeks_after, reason])
        live.add(replace(history(*sellers, people), orders=()))
        live.go_live(GoLive(MONDAY))
        weeks = Weeks(live)
        for number in range(6):
            live.add(week_of(number, *(("cheat", "decided") if number == 0 else ())))
            label = weeks.close(number + 1)
            assert live.select(HELD.format(label)) == []
        flagged, lifted = weeks.expected
        assert flagged[:4] == ("2026-W02", "cheat", "elevated", ["disputes", "score"])
        assert lifted[:4] == ("2026-W06", "cheat", None, [])
        told = [("cheat", "review", "elevated"), ("cheat", "review_ended", None)]
        assert live.select(TOLD) == told
        noon = MONDAY + timedelta(hours=12)
        quarter = Decimal("250.00")
        # The first order was placed before its week was closed, the sixth after the lift: of both
        # nothing is left in reserve a week after they were placed.
        assert live.select(KEPT) == [
            (f"o{n}", quarter, noon + n * WEEK + 37 * DAY) for n in (1, 2, 3, 4)
        ]
