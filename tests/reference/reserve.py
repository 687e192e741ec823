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
    """An order whose release is still to come, with all its known entries (which may be 0)."""

    order_id: str
    seller_id: str
    held_minor: int
    release_at: datetime


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

    unsettled = {
        dispute.opened.fact.dispute_id
        for dispute in ledger.screened.disputes
        if dispute.outcome is None
    }
    disputed: dict[str, int] = defaultdict(int)
    for claim in ledger.claims:
        if claim.kind == "dispute_opened" and claim.dispute_id in unsettled:
            disputed[claim.order.order.seller_id] += claim.effect_minor

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
    """Sorted by order."""
    held: dict[str, int] = defaultdict(int)
    for entry in ledger.entries:
        if entry.order_id is not None:
            held[entry.order_id] += entry.amount_minor
    return [
        OrderReserveRow(order_id, known.order.seller_id, held[order_id], known.release_at)
        for order_id, known in sorted(ledger.screened.orders.items())
        if known.release_at > ledger.as_of
    ]


def late_dispute_rows(ledger: Ledger) -> list[LateDispute]:
    """Good disputes that came too late, in the window in which they became known."""
    rows = []
    for dispute in ledger.screened.disputes:
        if dispute.in_time:
            continue
        opened, fact = dispute.opened, dispute.opened.fact
        window = window_of(opened.known_at, ledger.settings.timezone)
        rows.append(
            LateDispute(
                fact.dispute_id,
                fact.order_id,
                fact.seller_id,
                opened.amount_minor,
                fact.occurred_at,
                opened.known_at,
                window.label,
            )
        )
    return sorted(rows, key=lambda row: row.dispute_id)
