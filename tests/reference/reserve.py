"""The reserve: what is held and what is available now, and the disputes that came too late."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from .ledger import Ledger
from .settlement import line_effects
from .windows import window_of


@dataclass(frozen=True)
class ReserveRow:
    """Money in cents. The next release: the earliest pending instant and all that falls on it."""

    seller_id: str
    pending_balance: int
    available_balance: int
    disputed_amount: int
    next_release_at: datetime | None
    next_release_amount: int | None


@dataclass(frozen=True)
class OrderReserveRow:
    """An order with money in reserve (which may be 0), and what is held back until when."""

    order_id: str
    seller_id: str
    held_minor: int
    release_at: datetime
    holdback_minor: int
    holdback_until: datetime | None


@dataclass(frozen=True)
class LateDispute:
    dispute_id: str
    order_id: str
    seller_id: str
    amount_minor: int
    occurred_at: datetime
    known_at: datetime
    payout_window: str


def reserve_rows(ledger: Ledger) -> list[ReserveRow]:
    """Sorted by seller; one row per seller with a known entry."""
    pending: dict[str, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    available: dict[str, int] = defaultdict(int)
    for entry in ledger.entries:
        available[entry.seller_id] += 0
        if entry.available_at > ledger.as_of:
            pending[entry.seller_id][entry.available_at] += entry.amount_minor
        else:
            available[entry.seller_id] += entry.amount_minor
    lines: dict[str, int] = defaultdict(int)
    for line in ledger.facts.lines:
        lines[line.seller_id] += sum(amount for _, amount in line_effects(line, ledger))

    contested = {
        (event.fact.seller_id, event.fact.dispute_event_id)
        for dispute in ledger.disputes
        if not dispute.has_outcome
        for event in (claim.event for claim in dispute.claims)
    }
    disputed: dict[str, int] = defaultdict(int)
    for claim in ledger.claims:
        _, seller_id, source_id = claim.fact
        if claim.fact[0] == "dispute_events" and (seller_id, source_id) in contested:
            disputed[seller_id] += claim.effect_minor

    rows = []
    for seller_id in sorted(available):
        held = pending.get(seller_id, {})
        following = min(held, default=None)
        rows.append(
            ReserveRow(
                seller_id=seller_id,
                pending_balance=sum(held.values()),
                available_balance=available[seller_id] + lines[seller_id],
                disputed_amount=disputed[seller_id],
                next_release_at=following,
                next_release_amount=None if following is None else held[following],
            )
        )
    return rows


def order_reserve_rows(ledger: Ledger) -> list[OrderReserveRow]:
    """Sorted by seller and order."""
    held: dict[tuple[str, str], int] = defaultdict(int)
    for entry in ledger.entries:
        if entry.order_id is not None and entry.available_at > ledger.as_of:
            held[entry.seller_id, entry.order_id] += entry.amount_minor
    rows = []
    for key, known in sorted(ledger.screened.orders.items()):
        keeps_back = known.holdback_minor != 0 and known.holdback_at > ledger.as_of
        if known.release_at > ledger.as_of or keeps_back:
            row = OrderReserveRow(
                order_id=known.order.order_id,
                seller_id=known.order.seller_id,
                held_minor=held[key],
                release_at=known.release_at,
                holdback_minor=known.holdback_minor if keeps_back else 0,
                holdback_until=known.holdback_at if keeps_back else None,
            )
            rows.append(row)
    return rows


def late_dispute_rows(ledger: Ledger) -> list[LateDispute]:
    """Good disputes that came too late, in the window in which they became known.

    What came too late for whoever paid before go-live is of no window.
    """
    rows = []
    for dispute in ledger.disputes:
        if dispute.in_time or dispute.is_elsewhere:
            continue
        first = dispute.first
        fact = first.fact
        window = window_of(first.known_at, ledger.settings.timezone)
        amount = first.order.converted(first.amount)
        ids = (fact.dispute_id, fact.order_id, fact.seller_id)
        rows.append(LateDispute(*ids, amount, first.occurred_at, first.known_at, window.label))
    return sorted(rows, key=lambda row: (row.seller_id, row.order_id, row.dispute_id))
