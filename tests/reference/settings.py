"""The settings: time zone, currencies, rails, fee types, reserve policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal
from zoneinfo import ZoneInfo

from .facts import Assignment, Seller, utc

LatePolicy = Literal["absorb", "until_window_close", "recover"]

UTC_ZONE = ZoneInfo("UTC")
RAILS: Mapping[str, str] = {"APAC": "TRC-20", "NA": "ERC-20", "EU": "ERC-20"}
# Decimals by ISO 4217; a currency that is not here is unknown.
CURRENCIES: Mapping[str, int] = {
    **{"USD": 2, "EUR": 2, "GBP": 2, "BRL": 2, "INR": 2, "IDR": 2},
    **{"JPY": 0, "KRW": 0, "KWD": 3, "BHD": 3, "CLF": 4},
}
TAXES = frozenset({"tax", "tax_refund"})
STANDARD = "standard"


@dataclass(frozen=True)
class Policy:
    """One version of a named reserve policy."""

    valid_from: datetime
    reserve_days: int
    holdback_percent: Decimal = Decimal(0)
    holdback_days: int = 0
    policy: str = STANDARD

    def __post_init__(self) -> None:
        object.__setattr__(self, "valid_from", utc(self.valid_from))


@dataclass(frozen=True)
class NewSellers:
    """Orders from `valid_from` on that are of a seller's first days are under the policy."""

    valid_from: datetime
    policy: str
    days: int


@dataclass(frozen=True)
class PaidReason:
    """A review reason that pays the row, and puts orders from then on under the policy.

    Lifted at the first close at which it has been gone for so many in a row.
    """

    policy: str
    lift_after_weeks: int


@dataclass(frozen=True)
class Settings:
    timezone: ZoneInfo = UTC_ZONE
    policies: tuple[Policy, ...] = ()
    late_disputes: LatePolicy = "absorb"
    currency: str = "USD"
    default_reserve_days: int = 7
    rails: Mapping[str, str] = field(default_factory=lambda: RAILS)
    currencies: Mapping[str, int] = field(default_factory=lambda: CURRENCIES)
    taxes: frozenset[str] = TAXES
    new_sellers: tuple[NewSellers, ...] = ()
    paid: Mapping[str, PaidReason] = field(default_factory=dict)  # all other reasons hold

    def policy(
        self,
        ordered_at: datetime,
        seller_id: str = "",
        assignments: tuple[Assignment, ...] = (),
        created_at: datetime | None = None,
    ) -> Policy:
        """What the seller is assigned to at `ordered_at`, as it is worded then."""
        mine = [a for a in assignments if a.seller_id == seller_id and a.approved_at <= ordered_at]
        # At one instant people's word comes last; of several closes the last.
        mine.sort(key=lambda a: (a.approved_at, a.is_by_people))
        decided = mine[-1].policy if mine else None
        undecided = self._of_new_sellers(ordered_at, created_at) or STANDARD
        return self.version(decided or undecided, ordered_at)

    def version(self, name: str, at: datetime) -> Policy:
        """The policy as it is worded at an instant."""
        valid = [p for p in self.policies if p.policy == name and p.valid_from <= at]
        nobody_decided = Policy(at, self.default_reserve_days)
        return max(valid, key=lambda p: p.valid_from, default=nobody_decided)

    def _of_new_sellers(self, ordered_at: datetime, created_at: datetime | None) -> str | None:
        """Where the seller was there for fewer days than the rule of that instant asks for."""
        rules = [rule for rule in self.new_sellers if rule.valid_from <= ordered_at]
        rule = max(rules, key=lambda rule: rule.valid_from, default=None)
        if rule and created_at and ordered_at < created_at + timedelta(days=rule.days):
            return rule.policy
        return None

    def rail(self, seller: Seller) -> str | None:
        return "SPL" if seller.fast_settlement else self.rails.get(seller.region)
