"""What is found of facts: those with an effect and from when they are known, and those without."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Generic, TypeVar

from .facts import Charge, DisputeEvent, Fee, Key, Order, Refund, fact_id
from .money import cents
from .settings import Policy
from .windows import Window

DAY = timedelta(days=1)
F = TypeVar("F", Fee, Refund, DisputeEvent)


@dataclass(frozen=True, order=True)
class DataException:
    """`amount_minor` where a part of an amount was cut off or rounded away, in cents."""

    table: str
    seller_id: str
    id: str
    reason: str
    order_id: str = ""
    amount_minor: int = 0
    has_effect: bool = False


@dataclass(frozen=True)
class KnownOrder:
    order: Order
    rate: Fraction
    decimals: int
    first_known_at: datetime  # had it come in time
    known_at: datetime
    release_at: datetime
    policy: Policy
    paying_window: Window

    @cached_property
    def key(self) -> tuple[str, str]:
        return (self.order.seller_id, self.order.order_id)

    @cached_property
    def gross(self) -> Fraction:
        """In the order's currency."""
        return Fraction(self.order.gross_amount)

    @cached_property
    def gross_minor(self) -> int:
        return self.converted(self.gross)

    @cached_property
    def holdback_minor(self) -> int:
        return cents(Fraction(self.gross_minor, 100) * Fraction(self.policy.holdback_percent) / 100)

    @property
    def holdback_at(self) -> datetime:
        return max(self.known_at, self.release_at + self.kept_for)

    @property
    def kept_for(self) -> timedelta:
        return self.policy.holdback_days * DAY

    @property
    def available_at(self) -> datetime:
        return max(self.known_at, self.release_at)

    def converted(self, amount: Fraction) -> int:
        """X: the amount in cents of the settlement currency."""
        return cents(amount * self.rate)


@dataclass(frozen=True)
class Known(Generic[F]):
    """A good fact of a known order. `occurred_at` is its own instant, but for early outcomes."""

    fact: F
    order: KnownOrder
    known_at: datetime
    occurred_at: datetime

    @property
    def rank(self) -> tuple[datetime, datetime, str]:
        """What makes one fact the first and another the second."""
        return (self.known_at, self.occurred_at, fact_id(self.fact))

    @cached_property
    def amount(self) -> Fraction:
        return Fraction(self.fact.amount or 0)


@dataclass(frozen=True)
class KnownCharge:
    charge: Charge
    amount_minor: int
    known_at: datetime


@dataclass
class Screened:
    """`places` are the instants from which each fact counts for a balance, bad ones included.

    `elsewhere` are the facts that would have been available before the go-live, had they come in
    time.
    """

    orders: dict[tuple[str, str], KnownOrder] = field(default_factory=dict)
    fees: list[Known[Fee]] = field(default_factory=list)
    charges: list[KnownCharge] = field(default_factory=list)
    exceptions: list[DataException] = field(default_factory=list)
    places: dict[Key, datetime] = field(default_factory=dict)
    posted: dict[Key, datetime] = field(default_factory=dict)
    elsewhere: set[Key] = field(default_factory=set)
