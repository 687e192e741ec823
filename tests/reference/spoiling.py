"""Bad facts: most are good ones gone wrong, some are one too many."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from decimal import Decimal
from random import Random
from typing import TypeVar

from .facts import TABLES, Charge, DisputeEvent, Fact, Facts, Fee, Order, Refund, happened_at
from .history import History

F = TypeVar("F", Fee, Refund, DisputeEvent)
TINY = Decimal("0.00005")  # finer than any currency


def spoil(history: History) -> None:
    _Spoiler(history).spoil()


def mistyped(rng: Random, facts: Facts) -> Iterator[tuple[str, Fact]]:
    """Of each table a fact once more, under an id of its own, in a year that somebody mistyped."""
    for table, kind in TABLES.items():
        rows = getattr(facts, table)
        if table == "sellers" or not rows:
            continue
        row = rng.choice(rows)
        own = next(f.name for f in fields(kind) if getattr(row, f.name) == happened_at(row))
        at = happened_at(row).replace(year=rng.choice((26, 1926, 2126)), day=rng.randint(1, 28))
        yield table, replace(row, **{fields(kind)[0].name: "mistyped", own: at})


class _Spoiler:
    def __init__(self, history: History) -> None:
        self.history = history
        self.rng = history.rng
        self._count = 0

    def spoil(self) -> None:
        it = self.history
        for order in self.rng.sample(it.orders, len(it.orders) // 6):
            self._disputes_of(order)
        for refund in self.rng.sample(it.refunds, len(it.refunds) // 6):
            self._reversals_of(refund)
        it.orders = [self._maybe(order, 0.10, self._order) for order in it.orders]
        it.fees = [self._maybe(fee, 0.08, self._fee) for fee in it.fees]
        it.refunds = [self._maybe(refund, 0.08, self._claim) for refund in it.refunds]
        it.events = [self._maybe(event, 0.08, self._event) for event in it.events]
        it.charges = [self._maybe(charge, 0.15, self._charge) for charge in it.charges]

    def _disputes_of(self, order: Order) -> None:
        """Outcomes without an opened, of another order, and a second opened."""
        it = self.history
        mine = [
            e for e in it.events if (e.seller_id, e.order_id) == (order.seller_id, order.order_id)
        ]
        amount = it.part(order.gross_amount, order.currency)
        outcome = self.rng.choice(("won", "lost", "withdrawn"))
        if not mine:
            it.event(f"none-{order.order_id}", order, outcome, amount)
            return
        dispute_id = self.rng.choice(mine).dispute_id
        it.event(dispute_id, order, "opened", amount)
        it.event(dispute_id, order, "chargeback", amount)
        other = self.rng.choice(it.orders)
        it.event(dispute_id, other, outcome, it.part(other.gross_amount, other.currency))

    def _reversals_of(self, refund: Refund) -> None:
        """Of nothing, of another order, or of a reversal."""
        it = self.history
        others = [o for o in it.orders if o.seller_id == refund.seller_id]
        of = self.rng.choice(
            (
                {"reverses_refund_id": "nothing"},
                {
                    "reverses_refund_id": refund.refund_id,
                    "order_id": self.rng.choice(others).order_id,
                },
                {"reverses_refund_id": refund.refund_id},
            )
        )
        again = replace(refund, refund_id=it.new_id("r", refund.seller_id), **of)
        it.refunds.append(again)

    def _maybe(self, fact, share: float, spoilt: Callable):  # type: ignore[no-untyped-def]
        if self.rng.random() > share:
            return fact
        return self.rng.choice(spoilt(fact))

    def _order(self, order: Order) -> list[Order]:
        amount = order.gross_amount
        return [
            replace(order, currency="XXX"),
            replace(order, currency="EUR", exchange_rate=None),
            replace(order, currency="KWD", exchange_rate=Decimal(0)),
            self._elsewhere(order, "ghost"),
            replace(order, gross_amount=amount + TINY),
            replace(order, gross_amount=Decimal("0.00")),
            replace(order, gross_amount=-amount),
        ]

    def _fee(self, fee: Fee) -> list[Fee]:
        other = self.rng.choice(list(self.history.sellers))
        return [
            replace(fee, order_id="nowhere"),
            self._elsewhere(fee, other),
            self._elsewhere(fee, "ghost"),
        ]

    def _claim(self, fact: F) -> list[F]:
        other = self.rng.choice(list(self.history.sellers))
        amount = fact.amount or Decimal(1)
        return [
            replace(fact, order_id="nowhere"),
            self._elsewhere(fact, other),
            self._elsewhere(fact, "ghost"),
            replace(fact, amount=amount + TINY),
            replace(fact, amount=Decimal("0.00")),
            replace(fact, amount=-amount),
        ]

    def _event(self, event: DisputeEvent) -> list[DisputeEvent]:
        return [*self._claim(event), replace(event, event_type="inquiry")]

    def _charge(self, charge: Charge) -> list[Charge]:
        return [replace(charge, amount=Decimal(0)), self._elsewhere(charge, "ghost")]

    def _elsewhere(self, fact, seller_id: str):  # type: ignore[no-untyped-def]
        """Under an id of its own: ids are those of a seller."""
        self._count += 1
        name = fields(fact)[0].name
        return replace(fact, seller_id=seller_id, **{name: f"moved-{self._count}"})
