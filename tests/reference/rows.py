"""Rows for examples by hand: one seller, one order of 100.00 on a Monday, unless told otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .facts import (
    Adjustment,
    Assignment,
    Charge,
    DisputeEvent,
    Facts,
    Fee,
    GoLive,
    Line,
    Order,
    Refund,
    Seller,
)

DAY = timedelta(days=1)
MONDAY = datetime(2026, 1, 5, tzinfo=UTC)  # 2026-W02; an order of then is released a week later


def seller(seller_id: str = "s1", created_at: datetime = MONDAY - DAY) -> Seller:
    return Seller(seller_id, "One", "EU", False, "", "active", True, created_at, created_at)


def order(gross: str = "100.00", at: datetime = MONDAY, recorded: datetime | None = None) -> Order:
    return Order("o1", "c1", "s1", "USD", Decimal(gross), at, recorded or at)


def fee(fee_id: str, amount: str, at: datetime = MONDAY, fee_type: str = "commission") -> Fee:
    return Fee(fee_id, "o1", "s1", fee_type, Decimal(amount), at, at)


def refund(refund_id: str, amount: str, at: datetime, reverses: str | None = None) -> Refund:
    columns = {"reverses_refund_id": reverses}
    return Refund(refund_id, "o1", "s1", Decimal(amount), at, at, **columns)


def charge(charge_id: str, amount: str, at: datetime = MONDAY) -> Charge:
    return Charge(charge_id, "s1", "subscription", Decimal(amount), at, at)


def event(kind: str, amount: str, at: datetime, event_id: str = "", **other: str) -> DisputeEvent:
    columns = {"dispute_id": "d1", "order_id": "o1", "seller_id": "s1", **other}
    return DisputeEvent(
        dispute_event_id=event_id or f"{columns['dispute_id']}-{kind}",
        event_type=kind,
        amount=Decimal(amount),
        occurred_at=at,
        recorded_at=at,
        **columns,
    )


def history(*rows: object) -> Facts:
    """The rows as facts, whatever their order; `seller()` and `order()` where none is given."""

    def those(kind: type) -> tuple[object, ...]:
        return tuple(row for row in rows if isinstance(row, kind))

    tables = {
        "sellers": those(Seller) or (seller(),),
        "orders": those(Order) or (order(),),
        "order_fees": those(Fee),
        "refunds": those(Refund),
        "dispute_events": those(DisputeEvent),
        "seller_charges": those(Charge),
        "adjustments": those(Adjustment),
        "lines": those(Line),
        "assignments": those(Assignment),
        "go_live": next((row for row in rows if isinstance(row, GoLive)), None),
    }
    return Facts(**tables)  # type: ignore[arg-type]
