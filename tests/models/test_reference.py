"""The oracle itself, by property, and the worlds that it is asked about.

Examples worked by hand and figures of the samples stand in tests/reference.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest

from tests.reference import model
from tests.reference.csv_files import read_facts
from tests.reference.facts import seen_at
from tests.reference.landing import landed, landings
from tests.reference.model import LatePolicy, Policy
from tests.reference.samples import windows
from tests.reference.world import World, random_world

Rows = dict[tuple[str, str], model.SettlementRow]

DAY = timedelta(days=1)
LATER = datetime(2030, 1, 1, tzinfo=UTC)
ZONES = ("UTC", "America/Sao_Paulo", "Europe/Berlin")
POLICIES: tuple[LatePolicy, ...] = ("absorb", "until_window_close", "recover")
RESERVE = (
    Policy(datetime(2000, 1, 1, tzinfo=UTC), 7),
    Policy(datetime(2017, 6, 1, tzinfo=UTC), 3),
    Policy(datetime(2000, 1, 1, tzinfo=UTC), 14, Decimal("12.5"), 30, "elevated"),
    Policy(datetime(2000, 1, 1, tzinfo=UTC), 7, Decimal(10), 0, "at_once"),
)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("policy", POLICIES)
def test_identities_hold_in_hostile_worlds(zone: str, policy: LatePolicy) -> None:
    for seed in range(4):
        world = random_world(seed, tz=zone, policies=RESERVE, late_disputes=policy, adjustments=5)
        if seed % 2:
            world = replace(world, facts=replace(world.facts, go_live=go_live(world)))
        closed: Rows = {}
        for at in world.instants():
            if is_before_the_go_live(world, at):
                continue
            ledger = model.keep(world.facts, at, world.settings)
            claims_stay_within_gross(ledger)
            balances_agree(ledger)
            closed = stays_closed(closed, ledger)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("policy", POLICIES)
def test_stored_windows_stay_as_they_are_whatever_lands_late(zone: str, policy: LatePolicy) -> None:
    """And a fact that was posted once is never posted again."""
    seen_posted = 0
    for seed in range(4):
        rng = Random(f"{seed}-{zone}-{policy}")  # noqa: S311 - a test's dice
        world = random_world(seed, tz=zone, policies=RESERVE, late_disputes=policy)
        late = landings(world.facts, rng)
        if seed % 2:
            world = replace(world, facts=replace(world.facts, go_live=go_live(world)))
        closed: Rows = {}
        posting = model.NOTHING_STORED
        for window in windows(world.starts_at, world.ends_at + 60 * DAY, world.settings):
            if is_before_the_go_live(world, window.starts_at):
                continue
            facts = landed(world.facts, late, window.ends_at)
            after = model.close(facts, window, world.settings, posting)
            assert after.posted.items() >= posting.posted.items()
            assert after.seen >= posting.seen
            posting = after
            ledger = model.keep(facts, window.ends_at, world.settings, posting)
            claims_stay_within_gross(ledger)
            balances_agree(ledger)
            closed = stays_closed(closed, ledger)
            # Rebuilt as of the window's end, it is what it was.
            again = landed(world.facts, late, LATER)
            rebuilt = model.keep(again, window.ends_at, world.settings, posting)
            rows = {(r.seller_id, r.payout_window): r for r in model.settlement_rows(rebuilt)}
            assert {key: row for key, row in rows.items() if not row.is_open} == closed
        seen_posted += len(posting.posted)
    assert seen_posted > 100


def stays_closed(closed: Rows, ledger: model.Ledger) -> Rows:
    """The closed rows of now: those of before, unchanged, and newer ones."""
    rows = {(r.seller_id, r.payout_window): r for r in model.settlement_rows(ledger)}
    for key, row in closed.items():
        assert rows[key] == row, "a closed window changed"
    now_closed = {key for key, row in rows.items() if not row.is_open}
    edge = max((row.window_ends_at for row in closed.values()), default=None)
    for key in now_closed - set(closed):
        assert edge is None or rows[key].window_starts_at >= edge, "a closed row appeared"
    return {key: rows[key] for key in now_closed}


def is_before_the_go_live(world: World, at: datetime) -> bool:
    """Nothing is closed before it: what was computed then is not what stands later."""
    return world.facts.go_live is not None and at < world.facts.go_live.starts_at


def go_live(world: World) -> model.GoLive:
    """A third of the way in, with something owed to each of two sellers."""
    third = world.starts_at + (world.ends_at - world.starts_at) / 3
    one, other, *_ = sorted(seller.seller_id for seller in world.facts.sellers)
    balances = (
        model.OpeningBalance(one, Decimal("12.34")),
        model.OpeningBalance(other, Decimal("-500.00")),
    )
    return model.GoLive(model.window_of(third, world.settings.timezone).starts_at, balances)


def claims_stay_within_gross(ledger: model.Ledger) -> None:
    """At every step of each order, claims being in order."""
    taken: dict[tuple[str, str], int] = defaultdict(int)
    for claim in ledger.claims:
        taken[claim.order.key] += claim.effect_minor
        assert 0 <= taken[claim.order.key] <= claim.order.gross_minor
    assert all(entry.amount_minor for entry in ledger.entries)


def balances_agree(ledger: model.Ledger) -> None:
    end = ledger.open_window.ends_at
    entered: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    for entry in ledger.entries:
        assert entry.known_at <= ledger.as_of
        total[entry.seller_id] += entry.amount_minor
        entered[entry.seller_id] += entry.amount_minor if entry.available_at < end else 0
    last = {row.seller_id: row.net for row in model.settlement_rows(ledger)}
    for seller_id, amount in entered.items():
        assert last.get(seller_id, 0) == amount
    reserve = model.reserve_rows(ledger)
    assert {r.seller_id: r.pending_balance + r.available_balance for r in reserve} == total
    held = sum(row.held_minor for row in model.order_reserve_rows(ledger))
    assert held == sum(row.pending_balance for row in reserve)
    for row in model.settlement_rows(ledger):
        taken = row.fees + row.taxes + row.refunds + row.disputes + row.charges
        assert row.net == row.gross - taken + row.adjustments + row.carried_forward


def test_worlds_are_hostile_in_every_way_and_clean_ones_in_none_that_a_loader_refuses() -> None:
    hostile, clean = Counter(), Counter()
    for seed in range(12):
        for kept, is_clean in ((hostile, False), (clean, True)):
            world = random_world(seed, clean=is_clean, policies=RESERVE)
            ledger = model.keep(world.facts, LATER, world.settings)
            kept.update(row.reason for row in model.all_exceptions(ledger))
            kept.update(traits(ledger))
    assert set(hostile) == GOOD_TRAITS | UNREFUSED | EXCEPTIONS
    assert set(clean) == GOOD_TRAITS | UNREFUSED
    assert min(hostile.values()) >= 3


GOOD_TRAITS = {
    *("late", "won first", "won above", "lost in part", "revised", "opened again", "withdrawn"),
    *("release", "edge", "tie", "before order", "waits", "several orders", "ids of others"),
    *("reversed in part", "reversed too much", "foreign", "held back", "no effect"),
}
UNREFUSED = {
    *("claim_clamped", "reversal_above_refund", "fee_credit_above_fees", "rounded"),
    "opened_while_open",
}
EXCEPTIONS = {
    *("amount_not_positive", "amount_zero", "too_many_decimals", "order_without_effect"),
    *("invalid_instant", "unknown_currency", "no_exchange_rate"),
    *("unknown_event_type", "outcome_without_opened"),
    *("unknown_order", "unknown_seller", "reverses_unknown_refund", "reverses_a_reversal"),
    *("reverses_refund_of_other_order", "reverses_refund_without_effect"),
}


def traits(ledger: model.Ledger) -> Iterator[str]:
    screened = ledger.screened
    yield from ("late" for _ in model.late_dispute_rows(ledger))
    disputed = Counter(d.first.fact.dispute_id for d in ledger.disputes)
    yield from ("several orders" for count in disputed.values() if count > 1)
    named = Counter(order_id for _, order_id in screened.orders)
    yield from ("ids of others" for count in named.values() if count > 1)
    for dispute in ledger.disputes:
        yield from _traits_of(dispute)
    left: dict[tuple[str, str | None], Fraction] = {}
    for claim in ledger.refunds:
        row = claim.refund.fact
        yield from ["before order"] * (row.recorded_at < claim.refund.order.known_at)
        if claim.reverses:
            about = (row.seller_id, row.reverses_refund_id)
            left[about] = left.get(about, claim.reverses.amount) + claim.claimed
            yield from ["reversed in part"] * (left[about] > 0)
            yield from ["reversed too much"] * (-claim.claimed < claim.refund.amount)
    for order in screened.orders.values():
        row = order.order
        yield from ["waits"] * (order.known_at > max(row.ordered_at, row.recorded_at))
        yield from ["foreign"] * (row.currency != ledger.settings.currency)
        yield from ["held back"] * (order.holdback_minor > 0)
    ranks = Counter((c.order.key, c.known_at, c.occurred_at) for c in ledger.claims)
    yield from ("tie" for count in ranks.values() if count > 1)
    yield from ("no effect" for c in ledger.claims if c.claimed and not c.effect_minor)


def _traits_of(dispute: model.Dispute) -> Iterator[str]:
    first = dispute.first
    outcomes = [c.event for c in dispute.claims if c.event.fact.event_type != "opened"]
    kinds = [event.fact.event_type for event in outcomes]
    yield from ["revised"] * (len(set(kinds)) > 1)
    yield from ["withdrawn"] * ("withdrawn" in kinds)
    yield from ["opened again"] * (len(dispute.opened) > 1)
    yield from ["release"] * (first.occurred_at == first.order.release_at)
    yield from ["edge"] * (first.known_at == first.order.paying_window.ends_at)
    for event in outcomes:
        kind, amount = event.fact.event_type, event.fact.amount or 0
        yield from ["won above"] * (kind == "won" and amount > first.amount)
        yield from ["lost in part"] * (kind == "lost" and 0 < amount < first.amount)
        yield from ["won first"] * (seen_at(event.fact) < first.known_at)


def test_worlds_are_the_same_for_the_same_seed_and_survive_csv(tmp_path: Path) -> None:
    world: World = random_world(7, tz="Europe/Berlin")
    assert world == random_world(7, tz="Europe/Berlin")
    assert world != random_world(8, tz="Europe/Berlin")
    world.write_csv(tmp_path)
    assert read_facts(tmp_path) == world.facts
    header = (tmp_path / "orders.csv").read_text(encoding="utf-8").splitlines()[0]
    columns = "order_id,checkout_id,seller_id,currency,gross_amount,ordered_at,recorded_at"
    assert header == f"{columns},exchange_rate"
