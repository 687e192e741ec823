"""What goes in: source rows and finance's own rows. Every instant is kept in UTC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from decimal import Decimal

Key = tuple[str, str, str]  # what names a fact: its table, its seller and its id
# Instants of facts lie from the first of these to before the other.
FIRST_INSTANT, NEVER = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
ALWAYS = datetime.min.replace(tzinfo=UTC)


def utc(instant: datetime) -> datetime:
    """The instant in UTC, so that arithmetic on it counts real hours; naive ones are refused."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(UTC)


class _InUtc:
    """Moves every instant of a dataclass to UTC when it is made."""

    def __post_init__(self) -> None:
        for item in fields(self):  # type: ignore[arg-type]
            value = getattr(self, item.name)
            if isinstance(value, datetime):
                object.__setattr__(self, item.name, utc(value))


@dataclass(frozen=True)
class Seller(_InUtc):
    seller_id: str
    display_name: str
    region: str
    fast_settlement: bool
    wallet_address: str
    status: str
    payouts_enabled: bool
    created_at: datetime
    updated_at: datetime
    payout_schedule: str = "weekly"
    payout_minimum: Decimal | None = None


@dataclass(frozen=True)
class Order(_InUtc):
    order_id: str
    checkout_id: str
    seller_id: str
    currency: str
    gross_amount: Decimal
    ordered_at: datetime
    recorded_at: datetime
    exchange_rate: Decimal | None = None


@dataclass(frozen=True)
class Fee(_InUtc):
    fee_id: str
    order_id: str
    seller_id: str
    fee_type: str
    amount: Decimal
    charged_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Refund(_InUtc):
    refund_id: str
    order_id: str
    seller_id: str
    amount: Decimal
    refunded_at: datetime
    recorded_at: datetime
    reason: str = ""
    reverses_refund_id: str | None = None


@dataclass(frozen=True)
class DisputeEvent(_InUtc):
    dispute_event_id: str
    dispute_id: str
    order_id: str
    seller_id: str
    event_type: str
    amount: Decimal | None
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True)
class Charge(_InUtc):
    charge_id: str
    seller_id: str
    charge_type: str
    amount: Decimal
    charged_at: datetime
    recorded_at: datetime
    note: str = ""


@dataclass(frozen=True)
class Adjustment(_InUtc):
    """An approved adjustment: the amount is signed as the seller feels it."""

    adjustment_id: str
    seller_id: str
    amount: Decimal
    approved_at: datetime


@dataclass(frozen=True)
class Line(_InUtc):
    """A payout line. `returned_at`: when its coming back was recorded; then perhaps completed."""

    seller_id: str
    payout_window: str
    amount: Decimal
    frozen_at: datetime
    returned_at: datetime | None = None
    completed_after_return_at: datetime | None = None


@dataclass(frozen=True)
class Assignment(_InUtc):
    """A seller is under the policy from the approval on, that instant included.

    Of a close that flags: it needs no approval, and without a policy it lifts the one before.
    """

    seller_id: str
    policy: str | None
    approved_at: datetime
    is_by_people: bool = True


@dataclass(frozen=True)
class OpeningBalance:
    """What the old system owed the seller at go-live, or was owed (negative)."""

    seller_id: str
    amount: Decimal


@dataclass(frozen=True)
class GoLive(_InUtc):
    """`starts_at` is the start of a window: what was available before was settled elsewhere."""

    starts_at: datetime
    balances: tuple[OpeningBalance, ...] = ()
    go_live_id: str = "1"


@dataclass(frozen=True)
class Facts:
    """The rows that have landed. A seller is its last version, with its first `created_at`."""

    sellers: tuple[Seller, ...] = ()
    orders: tuple[Order, ...] = ()
    order_fees: tuple[Fee, ...] = ()
    refunds: tuple[Refund, ...] = ()
    dispute_events: tuple[DisputeEvent, ...] = ()
    seller_charges: tuple[Charge, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[Line, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    go_live: GoLive | None = None

    def children(self) -> Iterator[Child]:
        """Every fact that belongs to an order."""
        yield from self.order_fees
        yield from self.refunds
        yield from self.dispute_events


Child = Fee | Refund | DisputeEvent
Fact = Order | Child | Charge

TABLES: dict[str, type] = {
    "sellers": Seller,
    "orders": Order,
    "order_fees": Fee,
    "refunds": Refund,
    "dispute_events": DisputeEvent,
    "seller_charges": Charge,
}
_TABLE_OF = {kind: table for table, kind in TABLES.items()}
_FIRST = {kind: fields(kind)[0].name for kind in TABLES.values()}


def table_of(fact: Fact) -> str:
    return _TABLE_OF[type(fact)]


def fact_id(fact: Fact) -> str:
    """Unique within a seller and a table: always the first column."""
    return str(getattr(fact, _FIRST[type(fact)]))


def key_of(fact: Fact) -> Key:
    return (table_of(fact), fact.seller_id, fact_id(fact))


def happened_at(fact: Fact) -> datetime:
    """The fact's own instant, whatever its table calls it."""
    match fact:
        case Order():
            return fact.ordered_at
        case Fee() | Charge():
            return fact.charged_at
        case Refund():
            return fact.refunded_at
    return fact.occurred_at


def is_misdated(fact: Fact) -> bool:
    """An instant that no marketplace of ours has seen; a row may be recorded however early."""
    return happened_at(fact) < FIRST_INSTANT or max(happened_at(fact), fact.recorded_at) >= NEVER


def seen_at(fact: Fact) -> datetime:
    """From when the fact's row could be seen at all: the part of `known` that is its own.

    What would never be known is there to be listed once it is recorded.
    """
    known_at = max(happened_at(fact), fact.recorded_at)
    if known_at < NEVER:
        return known_at
    return fact.recorded_at if fact.recorded_at < NEVER else ALWAYS
