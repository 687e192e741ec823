"""What the old system settled, and what of it lands after closes that did not see it."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.models import agreement
from tests.models.agreement import compare
from tests.models.worlds import Marketplace, lived
from tests.reference import model
from tests.reference.facts import Assignment, Facts, GoLive, OpeningBalance, Refund
from tests.reference.rows import DAY, MONDAY, event, history, order, refund, seller
from tests.reference.settings import Policy
from tests.simulation.lab import lab
from tests.support.settings import at

UTC = ZoneInfo("UTC")
LAG = timedelta(minutes=15)
LONG_AGO = MONDAY - 9999 * DAY
# As the seed has them: an order of the first Monday is released a week before the go-live.
POLICIES = (Policy(LONG_AGO, 7), Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"))
RULES = model.Settings(policies=POLICIES)
GO_LIVE = MONDAY + 14 * DAY
ROWS = "select * from finance.window_close_rows order by payout_window, seller_id"
CONTRADICTIONS = "select * from settlement_core.int_close_contradictions"
POSTED = "select source_id from finance.window_close_facts where posted_at is not null order by 1"


class Weeks:
    """Builds as of the weeks after the go-live, each compared with the reading, and closes."""

    def __init__(self, live: Marketplace) -> None:
        self.live = live
        self.posting = model.NOTHING_STORED

    def close(self, number: int) -> model.Ledger:
        """Build, close the window that has just ended, and build again: in part and in full."""
        window = model.window_of(GO_LIVE + (number - 1) * 7 * DAY, UTC)
        for is_full in (False, True):
            ledger = self.build(number, is_full=is_full)
        with connect(self.live.settings, Component.ORCHESTRATOR) as connection:
            [(is_new,)] = connection.execute("select finance.store_close(%s)", [window.label])
        assert is_new
        self.posting = model.close(self.live.facts, window, RULES, self.posting)
        for is_full in (True, False):
            self.build(number, is_full=is_full)
        return ledger

    def build(self, number: int, *, is_full: bool) -> model.Ledger:
        instant = GO_LIVE + number * 7 * DAY + LAG
        lab().project.build(at(self.live.settings, instant), full_refresh=is_full)
        ledger = model.keep(self.live.facts, instant, RULES, self.posting)
        expected, found = agreement.oracle(ledger), agreement.sql(self.live.settings, "settlement")
        compare(found, expected, f"week {number}, in full: {is_full}")
        assert self.live.select(CONTRADICTIONS) == []
        return ledger


def landing(*refunds: Refund) -> Facts:
    return Facts(refunds=refunds)


@pytest.mark.parametrize("is_restored", [False, True])
def test_a_claim_that_lands_late_counts_after_those_that_closes_have(is_restored: bool) -> None:
    """r1 took 80.00 of 100.00 here. r0, of the old system's days, lands after that close: were it
    counted by its own time, r1 would take 20.00 now, against what is stored. After a restore each
    fact is looked up in the closes, and what the first one saw is not late."""
    facts = history(
        seller(),
        order(),
        refund("seen", "10.00", MONDAY + 8 * DAY),
        refund("r1", "80.00", GO_LIVE + DAY),
    )
    with lived([]) as live:
        live.add(facts)
        live.go_live(GoLive(GO_LIVE, (OpeningBalance("s1", Decimal("500.00")),)))
        weeks = Weeks(live)
        weeks.close(1)
        stored = live.select(ROWS)
        assert len(stored) == 1
        if is_restored:
            with connect(live.settings, Component.OWNER) as owner:
                owner.execute("alter table finance.window_closes disable trigger append_only")
                owner.execute("update finance.window_closes set landed_in = 0")
        live.add(landing(refund("r0", "80.00", MONDAY + 9 * DAY)))
        late = weeks.close(2).elsewhere[-1]
        assert (late.source_id, late.amount_minor) == ("r0", -10_00)
        live.add(landing(refund("r2", "5.00", GO_LIVE + 15 * DAY)))
        weeks.close(3)
        assert live.select(ROWS)[: len(stored)] == stored
        assert live.select(POSTED) == [("r0",)]


def test_a_holdback_of_an_order_that_lands_late_is_paid_in_the_next_window() -> None:
    """The order itself was settled elsewhere; its holdback was due three days after the go-live."""
    before = MONDAY - 30 * DAY
    late = replace(
        order(at=MONDAY - 20 * DAY), order_id="o2"
    )  # held back until three days after the go-live
    with lived([]) as live:
        live.add(history(seller("s1", before), order(), Assignment("s1", "elevated", before)))
        live.go_live(GoLive(GO_LIVE, (OpeningBalance("s1", Decimal("500.00")),)))
        weeks = Weeks(live)
        weeks.close(1)
        live.add(Facts(orders=(late,)))
        [row] = [r for r in model.settlement_rows(weeks.close(2)) if r.gross]
        assert (row.window_starts_at, row.gross) == (GO_LIVE + 7 * DAY, 25_00)


def test_books_have_no_dispute_that_came_too_late_before_the_go_live() -> None:
    """The old system bore it. One that comes too late since then is the marketplace's, as before
    the first close so after it."""
    disputes = [
        event("opened", "30.00", GO_LIVE - 2 * DAY, dispute_id="old"),
        event("opened", "20.00", GO_LIVE + 2 * DAY, dispute_id="new"),
    ]
    with lived([]) as live:
        live.add(history(seller(), order(), *disputes))
        live.go_live(GoLive(GO_LIVE, (OpeningBalance("s1", Decimal("500.00")),)))
        weeks = Weeks(live)
        for is_closed in (False, True):
            if is_closed:
                weeks.close(1)
            else:
                weeks.build(1, is_full=False)
            absorbed = live.select(
                "select period, absorbed_disputes from settlement.liability_rollforward"
                " where period_type = 'window' and absorbed_disputes <> 0"
            )
            assert absorbed == [("2026-W04", 20)], f"closed: {is_closed}"
