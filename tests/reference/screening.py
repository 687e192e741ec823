"""Which facts have an effect as of an instant, from when they are known, and which are bad.

One reason per bad fact, the first that applies in the order of the code below. Everything is
judged as of the instant: a fact whose order is not known by then is listed as `unknown_order`.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from .facts import (
    Charge,
    Child,
    Fact,
    Facts,
    Fee,
    Order,
    Refund,
    Seller,
    happened_at,
    is_misdated,
    key_of,
    seen_at,
)
from .known import DAY, DataException, F, Known, KnownCharge, KnownOrder, Screened
from .money import cents, has_at_most
from .posting import Posting
from .settings import Settings
from .windows import window_of


class Screening:
    """Everything with an effect that is known by `as_of`, that instant included."""

    def __init__(self, facts: Facts, as_of: datetime, settings: Settings, posting: Posting) -> None:
        self.facts = facts
        self.as_of = as_of
        self.settings = settings
        self.posting = posting
        self.result = Screened()
        self.sellers = {
            seller.seller_id: seller for seller in facts.sellers if seller.created_at <= as_of
        }
        go_live = facts.go_live
        self.opened_at = go_live.starts_at if go_live and go_live.starts_at <= as_of else None
        self.seen_orders = {
            (order.seller_id, order.order_id) for order in facts.orders if self.is_seen(order)
        }

    def screen(self) -> Screened:
        for order in filter(self.is_seen, self.facts.orders):
            self._order(order)
        for charge in filter(self.is_seen, self.facts.seller_charges):
            self._charge(charge)
        for fee in filter(self.is_seen, self.facts.order_fees):
            if known := self.child(fee):
                self.result.fees.append(known)
        return self.result

    def refuse(self, fact: Fact, reason: str) -> None:
        order_id = "" if isinstance(fact, Charge) else fact.order_id
        self.result.exceptions.append(DataException(*key_of(fact), reason, order_id))

    def placed(self, fact: Fact, known_at: datetime, release_at: datetime) -> datetime | None:
        """From when the fact counts, given when it would be known; none where that is to come."""
        key = key_of(fact)
        posted_at = self.posting.instant(key, known_at, release_at)
        known_at = max(known_at, posted_at or known_at)
        if known_at > self.as_of:
            return None
        self.result.places[key] = max(known_at, release_at)
        if posted_at:
            self.result.posted[key] = posted_at
        return known_at

    def leave(self, fact: Fact, available_at: datetime) -> None:
        """To whoever paid before the go-live, if it would have been available before."""
        if self.opened_at and available_at < self.opened_at:
            self.result.elsewhere.add(key_of(fact))

    def is_seen(self, fact: Fact) -> bool:
        return seen_at(fact) <= self.as_of

    def _order(self, order: Order) -> None:
        seller = self.sellers.get(order.seller_id)
        reason = self._order_fault(order, seller)
        if reason or seller is None:
            self.refuse(order, reason or "unknown_seller")
            return
        own = order.currency == self.settings.currency
        policy = self.settings.policy(
            order.ordered_at, order.seller_id, self.facts.assignments, seller.created_at
        )
        release_at = order.ordered_at + policy.reserve_days * DAY
        first_known_at = max(seen_at(order), seller.created_at)
        known_at = self.placed(order, first_known_at, release_at)
        if known_at is None:
            self.seen_orders.discard((order.seller_id, order.order_id))
            return
        known = KnownOrder(
            order=order,
            rate=Fraction(1 if own else order.exchange_rate or 0),
            decimals=self.settings.currencies[order.currency],
            first_known_at=first_known_at,
            known_at=known_at,
            release_at=release_at,
            policy=policy,
            paying_window=window_of(max(release_at, known_at), self.settings.timezone),
        )
        self.result.orders[known.key] = known
        self.leave(order, max(first_known_at, release_at))

    def _order_fault(self, order: Order, seller: Seller | None) -> str | None:
        if seller is None:
            return "unknown_seller"
        if is_misdated(order):
            return "invalid_instant"
        if order.currency not in self.settings.currencies:
            return "unknown_currency"
        rate = order.exchange_rate
        if order.currency != self.settings.currency and (rate is None or not rate > 0):
            return "no_exchange_rate"
        return _amount_fault(order.gross_amount, self.settings.currencies[order.currency], above=0)

    def _charge(self, charge: Charge) -> None:
        seller = self.sellers.get(charge.seller_id)
        if seller is None:
            self.refuse(charge, "unknown_seller")
        elif is_misdated(charge):
            self.refuse(charge, "invalid_instant")
        elif charge.amount == 0 or not charge.amount.is_finite():
            self.refuse(charge, "amount_zero")
        else:
            known_at = max(seen_at(charge), seller.created_at)
            placed = self.placed(charge, known_at, known_at)
            self.leave(charge, known_at)
            if placed:
                amount = cents(Fraction(charge.amount))
                self.result.charges.append(KnownCharge(charge, amount, placed))

    def child(
        self, fact: F, after: Known[F] | None = None, fault: str | None = None
    ) -> Known[F] | None:
        """The fact with its place in its order, or none where it is bad or not known yet.

        It is known no earlier than the fact that it comes `after`. `fault` is one of its own.
        """
        order = self.result.orders.get((fact.seller_id, fact.order_id))
        reason = self._child_fault(fact, order) or fault
        if reason or order is None:
            self.refuse(fact, reason or "")
            return None
        known_at = max(seen_at(fact), order.known_at, after.known_at if after else order.known_at)
        placed = self.placed(fact, known_at, order.release_at)
        if not after or key_of(after.fact) in self.result.elsewhere:
            self.leave(fact, max(seen_at(fact), order.first_known_at, order.release_at))
        return Known(fact, order, placed, happened_at(fact)) if placed else None

    def _child_fault(self, fact: Child, order: KnownOrder | None) -> str | None:
        if fact.seller_id not in self.sellers:
            return "unknown_seller"
        if (fact.seller_id, fact.order_id) not in self.seen_orders:
            return "unknown_order"
        if order is None:
            return "order_without_effect"
        if is_misdated(fact):
            return "invalid_instant"
        match fact:
            case Fee():
                return None if fact.amount.is_finite() else "amount_not_a_number"
            case Refund():
                return _amount_fault(fact.amount, order.decimals, above=0)
        if fact.event_type == "withdrawn":
            return None
        if fact.event_type not in ("opened", "won", "lost"):
            return "unknown_event_type"
        above = 0 if fact.event_type == "opened" else None
        return _amount_fault(fact.amount, order.decimals, above=above)


def _amount_fault(amount: Decimal | None, decimals: int, *, above: int | None) -> str | None:
    """`above` is what the amount must be more than; without it, 0 will do."""
    if amount is None or not amount.is_finite() or amount < 0 or amount == above:
        return "amount_not_positive"
    return None if has_at_most(amount, decimals) else "too_many_decimals"
