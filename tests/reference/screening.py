"""Which facts have an effect as of an instant, from when they are known, and which are bad.

One reason per bad fact, the first that applies in the order of the code below. Everything is
judged as of the instant: a fact whose order is not known by then is listed as `unknown_order`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Generic, TypeVar

from .facts import (
    DisputeEvent,
    Facts,
    Fee,
    Order,
    Refund,
    Seller,
    Settings,
    fact_id,
    happened_at,
    has_two_places,
    minor,
    seen_at,
)
from .windows import Window, window_of

F = TypeVar("F", Fee, Refund, DisputeEvent)


@dataclass(frozen=True, order=True)
class DataException:
    """`order_id` as the fact names it; `amount_minor` where a part of an amount was cut off."""

    table: str
    id: str
    reason: str
    order_id: str = ""
    amount_minor: int = 0


@dataclass(frozen=True)
class KnownOrder:
    order: Order
    gross_minor: int
    known_at: datetime
    release_at: datetime
    paying_window: Window

    @property
    def available_at(self) -> datetime:
        return max(self.known_at, self.release_at)


@dataclass(frozen=True)
class Known(Generic[F]):
    """A good fact of a known order."""

    fact: F
    order: KnownOrder
    known_at: datetime
    amount_minor: int

    @property
    def rank(self) -> tuple[datetime, datetime, str]:
        """What makes one fact the first and another the second."""
        return (self.known_at, happened_at(self.fact), fact_id(self.fact))


@dataclass(frozen=True)
class Dispute:
    """A dispute by its first `opened`, and its first outcome where it has one by now."""

    opened: Known[DisputeEvent]
    in_time: bool
    outcome: Known[DisputeEvent] | None = None


@dataclass
class Screened:
    orders: dict[str, KnownOrder] = field(default_factory=dict)
    fees: list[Known[Fee]] = field(default_factory=list)
    refunds: list[Known[Refund]] = field(default_factory=list)
    disputes: list[Dispute] = field(default_factory=list)
    exceptions: list[DataException] = field(default_factory=list)


def screen(facts: Facts, as_of: datetime, settings: Settings) -> Screened:
    """Everything with an effect that is known by `as_of`, that instant included."""
    result = Screened()
    sellers = {seller.seller_id: seller for seller in facts.sellers}
    seen_orders = {order.order_id for order in facts.orders if seen_at(order) <= as_of}

    for order in facts.orders:
        if seen_at(order) > as_of:
            continue
        reason = _order_fault(order, sellers.get(order.seller_id), as_of, settings)
        if reason:
            result.exceptions.append(
                DataException("orders", order.order_id, reason, order.order_id)
            )
        else:
            known = _known_order(order, sellers[order.seller_id], settings)
            result.orders[order.order_id] = known

    events: list[Known[DisputeEvent]] = []
    kept = {"order_fees": result.fees, "refunds": result.refunds, "dispute_events": events}
    for table, fact in facts.children():
        if seen_at(fact) > as_of:
            continue
        parent = result.orders.get(fact.order_id)
        reason = _child_fault(fact, parent, seen_orders, sellers, as_of)
        if reason or parent is None:
            result.exceptions.append(
                DataException(table, fact_id(fact), reason or "", fact.order_id)
            )
            continue
        known_at = max(seen_at(fact), parent.known_at)
        kept[table].append(Known(fact, parent, known_at, minor(fact.amount)))  # type: ignore[attr-defined]

    result.disputes = _disputes(events, settings, result.exceptions)
    return result


def _order_fault(
    order: Order, seller: Seller | None, as_of: datetime, settings: Settings
) -> str | None:
    if seller is None or seller.created_at > as_of:
        return "unknown_seller"
    if order.currency != settings.currency:
        return "other_currency"
    return _amount_fault(order.gross_amount, positive=True)


def _child_fault(
    fact: Fee | Refund | DisputeEvent,
    order: KnownOrder | None,
    seen_orders: set[str],
    sellers: dict[str, Seller],
    as_of: datetime,
) -> str | None:
    if fact.order_id not in seen_orders:
        return "unknown_order"
    if order is None:
        return "order_without_effect"
    if fact.seller_id != order.order.seller_id:
        seller = sellers.get(fact.seller_id)
        unseen = seller is None or seller.created_at > as_of
        return "unknown_seller" if unseen else "seller_not_of_order"
    return _amount_fault(fact.amount, positive=not isinstance(fact, Fee))


def _amount_fault(amount: Decimal, *, positive: bool) -> str | None:
    if not has_two_places(amount):
        return "more_than_two_places"
    if positive and amount <= 0:
        return "amount_not_positive"
    return None


def _known_order(order: Order, seller: Seller, settings: Settings) -> KnownOrder:
    known_at = max(seen_at(order), seller.created_at)
    release_at = order.ordered_at + timedelta(days=settings.reserve_days(order.ordered_at))
    paying = window_of(max(release_at, known_at), settings.timezone)
    return KnownOrder(order, minor(order.gross_amount), known_at, release_at, paying)


def _disputes(
    events: list[Known[DisputeEvent]], settings: Settings, exceptions: list[DataException]
) -> list[Dispute]:
    """One per dispute with an `opened`. A bad outcome never takes the place of the first."""
    by_dispute: dict[str, list[Known[DisputeEvent]]] = defaultdict(list)
    for event in sorted(events, key=lambda e: e.rank):
        by_dispute[event.fact.dispute_id].append(event)

    def refuse(event: Known[DisputeEvent], reason: str) -> None:
        fact = event.fact
        exceptions.append(
            DataException("dispute_events", fact.dispute_event_id, reason, fact.order_id)
        )

    disputes = []
    for history in by_dispute.values():
        opened = [event for event in history if event.fact.event_type == "opened"]
        outcomes = [event for event in history if event.fact.event_type in ("won", "lost")]
        for event in history:
            if event.fact.event_type not in ("opened", "won", "lost"):
                refuse(event, "unknown_event_type")
        for event in opened[1:]:
            refuse(event, "second_opened")
        if not opened:
            for event in outcomes:
                refuse(event, "outcome_without_opened")
            continue
        first, own = opened[0], []
        for event in outcomes:
            if event.fact.order_id == first.fact.order_id:
                own.append(event)
            else:
                refuse(event, "outcome_on_other_order")
        for event in own[1:]:
            refuse(event, "second_outcome")
        disputes.append(Dispute(first, _in_time(first, settings), own[0] if own else None))
    return disputes


def _in_time(opened: Known[DisputeEvent], settings: Settings) -> bool:
    if settings.late_disputes == "recover":
        return True
    before_close = opened.known_at < opened.order.paying_window.ends_at
    if settings.late_disputes == "until_window_close":
        return before_close
    return before_close and opened.fact.occurred_at < opened.order.release_at
