"""What goes in: source rows, finance's own rows and the settings. Every instant is kept in UTC."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal
from zoneinfo import ZoneInfo

LatePolicy = Literal["absorb", "until_window_close", "recover"]

UTC_ZONE = ZoneInfo("UTC")
RAILS: Mapping[str, str] = {"APAC": "TRC-20", "NA": "ERC-20", "EU": "ERC-20"}


def utc(instant: datetime) -> datetime:
    """The instant in UTC, so that arithmetic on it counts real hours; naive ones are refused."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(UTC)


def has_two_places(amount: Decimal) -> bool:
    """By value: 10.00 and 10.000 have at most two decimal places, 10.005 has not."""
    return amount.is_finite() and (Fraction(amount) * 100).denominator == 1


def minor(amount: Decimal) -> int:
    """An amount with at most two decimal places, in integer cents."""
    if not has_two_places(amount):
        raise ValueError(f"{amount} has more than two decimal places")
    return int(Fraction(amount) * 100)


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


@dataclass(frozen=True)
class Order(_InUtc):
    order_id: str
    checkout_id: str
    seller_id: str
    currency: str
    gross_amount: Decimal
    ordered_at: datetime
    recorded_at: datetime


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


@dataclass(frozen=True)
class DisputeEvent(_InUtc):
    dispute_event_id: str
    dispute_id: str
    order_id: str
    seller_id: str
    event_type: str
    amount: Decimal
    occurred_at: datetime
    recorded_at: datetime


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
class Policy(_InUtc):
    valid_from: datetime
    reserve_days: int


@dataclass(frozen=True)
class Facts:
    sellers: tuple[Seller, ...] = ()
    orders: tuple[Order, ...] = ()
    order_fees: tuple[Fee, ...] = ()
    refunds: tuple[Refund, ...] = ()
    dispute_events: tuple[DisputeEvent, ...] = ()
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[Line, ...] = ()

    def children(self) -> Iterator[tuple[str, Fee | Refund | DisputeEvent]]:
        """Every fact that belongs to an order, with the name of its table."""
        for table in ("order_fees", "refunds", "dispute_events"):
            for fact in getattr(self, table):
                yield table, fact


@dataclass(frozen=True)
class Settings:
    timezone: ZoneInfo = UTC_ZONE
    policies: tuple[Policy, ...] = ()
    late_disputes: LatePolicy = "absorb"
    currency: str = "USD"
    default_reserve_days: int = 7
    rails: Mapping[str, str] = field(default_factory=lambda: RAILS)

    def reserve_days(self, ordered_at: datetime) -> int:
        """The newest policy that is valid at `ordered_at`, that instant included."""
        valid = [p for p in self.policies if p.valid_from <= ordered_at]
        if not valid:
            return self.default_reserve_days
        return max(valid, key=lambda p: p.valid_from).reserve_days

    def rail(self, seller: Seller) -> str | None:
        return "SPL" if seller.fast_settlement else self.rails.get(seller.region)


def fact_id(fact: object) -> str:
    """The primary key of a fact: always its first column."""
    return str(getattr(fact, fields(fact)[0].name))  # type: ignore[arg-type]


def happened_at(fact: Order | Fee | Refund | DisputeEvent) -> datetime:
    """The fact's own instant, whatever its table calls it."""
    match fact:
        case Order():
            return fact.ordered_at
        case Fee():
            return fact.charged_at
        case Refund():
            return fact.refunded_at
    return fact.occurred_at


def seen_at(fact: Order | Fee | Refund | DisputeEvent) -> datetime:
    """From when the fact's row could be seen at all: the part of `known` that is its own."""
    return max(happened_at(fact), fact.recorded_at)
