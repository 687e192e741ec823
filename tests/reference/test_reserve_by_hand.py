"""Reserve policies, holdbacks and go-live, worked by hand from the rules in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from . import model
from .facts import Adjustment, Assignment, Facts, GoLive, OpeningBalance
from .rows import DAY, MONDAY, charge, event, fee, history, order, refund
from .settings import NewSellers, Policy, Settings

LATER = MONDAY + 100 * DAY
MICROSECOND = timedelta(microseconds=1)
RULES = Settings(
    policies=(
        Policy(MONDAY - 99 * DAY, 7),
        Policy(MONDAY - 99 * DAY, 14, Decimal("12.5"), 30, "elevated"),
    )
)


def nets(facts: Facts, settings: Settings = RULES) -> dict[str, tuple[int, int]]:
    """(gross, net) by window, of windows with something new."""
    rows = model.settlement(facts, LATER, settings)
    return {r.payout_window: (r.gross, r.net) for r in rows if r.net != r.carried_forward}


def test_a_holdback_is_an_entry_of_its_own() -> None:
    facts = history(order("0.20"), Assignment("s1", "elevated", MONDAY), fee("f1", "0.05"))
    entries = {e.kind: e for e in model.entries(facts, LATER, RULES)}
    assert entries["holdback"].amount_minor == 3  # half of a cent is rounded away from zero
    assert entries["order"].amount_minor == 17
    assert entries["order"].available_at == MONDAY + 14 * DAY
    assert entries["holdback"].available_at == MONDAY + 44 * DAY
    assert nets(facts) == {"2026-W04": (17, 12), "2026-W08": (3, 15)}
    [held] = model.order_reserve(facts, MONDAY + 20 * DAY, RULES)
    assert (held.held_minor, held.holdback_minor) == (3, 3)
    assert held.holdback_until == MONDAY + 44 * DAY
    assert model.order_reserve(facts, MONDAY + 44 * DAY, RULES) == []


def test_an_assignment_reaches_no_earlier_order() -> None:
    for approved_at, days in ((MONDAY, 14), (MONDAY + MICROSECOND, 7)):
        facts = history(order(), Assignment("s1", "elevated", approved_at))
        [row] = model.order_reserve(facts, MONDAY, RULES)
        assert row.release_at == MONDAY + days * DAY
    other = history(order(), Assignment("s2", "elevated", MONDAY - DAY))
    assert model.order_reserve(other, MONDAY, RULES)[0].release_at == MONDAY + 7 * DAY
    back = (Assignment("s1", "elevated", MONDAY - 2 * DAY), Assignment("s1", "standard", MONDAY))
    assert model.order_reserve(history(order(), *back), MONDAY, RULES)[0].holdback_minor == 0


def test_what_was_available_before_go_live_is_of_no_balance() -> None:
    """It counts for the clamp, for health, and for nothing else."""
    live = GoLive(MONDAY + 14 * DAY, (OpeningBalance("s1", Decimal("5.00")),))
    facts = history(
        order(),
        refund("r1", "70.00", MONDAY + 10 * DAY),
        refund("r2", "70.00", MONDAY + 14 * DAY),
        charge("c1", "3.00", MONDAY + 14 * DAY - MICROSECOND),
        charge("c2", "4.00", MONDAY + 14 * DAY),
        Adjustment("a1", "s1", Decimal("8.00"), MONDAY + 9 * DAY),
        live,
    )
    rows = model.settlement(facts, LATER, RULES)
    assert (rows[0].payout_window, rows[0].carried_forward) == ("2026-W04", 5_00)
    assert (rows[0].refunds, rows[0].charges, rows[0].net) == (30_00, 4_00, -29_00)
    assert {row.net for row in rows} == {-29_00}
    assert model.health(facts, MONDAY + 21 * DAY, RULES)[0].trailing_30d_refunds == 140_00
    assert [r.available_balance for r in model.reserve(facts, LATER, RULES)] == [-29_00]


def test_who_has_nothing_but_what_was_settled_elsewhere_has_no_row() -> None:
    facts = history(order(), GoLive(MONDAY + 14 * DAY))
    assert model.settlement(facts, LATER, RULES) == []
    assert model.reserve(facts, LATER, RULES) == []
    assert len(model.health(facts, LATER, RULES)) == 1


def test_a_holdback_after_go_live_is_ours_to_pay() -> None:
    assigned = Assignment("s1", "elevated", MONDAY)
    facts = history(order(), assigned, GoLive(MONDAY + 21 * DAY))
    assert nets(facts) == {"2026-W08": (12_50, 12_50)}


def test_a_row_that_is_loaded_late_was_settled_elsewhere_all_the_same() -> None:
    facts = history(order(), GoLive(MONDAY + 14 * DAY))
    window = model.window_of(MONDAY + 14 * DAY, RULES.timezone)
    posting = model.close(facts, window, RULES, model.NOTHING_STORED)
    late = replace(facts, refunds=(refund("r1", "9.00", MONDAY + 8 * DAY),))
    ledger = model.keep(late, LATER, RULES, posting)
    assert model.settlement_rows(ledger) == []
    assert [entry.source_id for entry in ledger.elsewhere] == ["o1", "r1"]


def test_a_dispute_from_before_go_live_counts_for_the_clamp_however_late_its_row_is() -> None:
    """And the marketplace absorbs nothing that something else has settled."""
    facts = history(order(), GoLive(MONDAY + 14 * DAY))
    window = model.window_of(MONDAY + 14 * DAY, RULES.timezone)
    posting = model.close(facts, window, RULES, model.NOTHING_STORED)
    refunded = refund("r1", "50.00", MONDAY + 23 * DAY)
    for opened_at, charged in ((6, -20_00), (8, -50_00)):
        opened = event("opened", "80.00", MONDAY + opened_at * DAY)
        late = replace(facts, refunds=(refunded,), dispute_events=(opened,))
        ledger = model.keep(late, MONDAY + 24 * DAY, RULES, posting)
        assert [row.net for row in model.settlement_rows(ledger)] == [charged]
        assert model.late_dispute_rows(ledger) == []


def test_first_days_of_a_seller_are_under_the_policy_of_new_sellers() -> None:
    """From the rule's instant on, before its days are over, and where nobody decided."""
    [created] = {seller.created_at for seller in history(order()).sellers}
    days = (MONDAY - created) // DAY

    def reserve_days(on: NewSellers, *decided: Assignment) -> int:
        rules = replace(RULES, new_sellers=(on,))
        [row] = model.order_reserve(history(order(), *decided), MONDAY, rules)
        return (row.release_at - MONDAY) // DAY

    assert reserve_days(NewSellers(MONDAY, "elevated", days + 1)) == 14
    assert reserve_days(NewSellers(MONDAY, "elevated", days)) == 7
    assert reserve_days(NewSellers(MONDAY + MICROSECOND, "elevated", days + 1)) == 7
    trusted = Assignment("s1", "standard", MONDAY)
    assert reserve_days(NewSellers(MONDAY, "elevated", days + 1), trusted) == 7
