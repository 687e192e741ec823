"""What happens in a random world: orders and all that befalls them, and then the bad facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from .clockwork import Clockwork
from .facts import DisputeEvent, Fee, Order, Refund, Seller

CENT = Decimal("0.01")
F = TypeVar("F", Fee, Refund, DisputeEvent)
ROUND_SUMS = ("1.00", "10.00", "99.99", "100.00", "1000.00", "5000.00", "0.01")


class History:
    """Grows lists of facts. Ids of one table differ in case first, so that collation shows."""

    def __init__(
        self, rng: Random, clock: Clockwork, sellers: list[Seller], *, clean: bool
    ) -> None:
        self.rng = rng
        self.clock = clock
        self.clean = clean
        self.sellers = sellers
        self.created = {seller.seller_id: seller.created_at for seller in sellers}
        self.orders: list[Order] = []
        self.fees: list[Fee] = []
        self.refunds: list[Refund] = []
        self.events: list[DisputeEvent] = []
        self._count = 0

    def add_order(self, seller: Seller) -> None:
        ordered_at = self.clock.ordered()
        recorded_at = self.clock.recorded(ordered_at)
        if not self.clean and self.rng.random() < 0.03:
            recorded_at = ordered_at - timedelta(hours=5)  # a clock that runs ahead
        order_id = self._id("o")
        order = Order(
            order_id=order_id,
            checkout_id=f"checkout-{order_id}",
            seller_id=seller.seller_id,
            currency="USD",
            gross_amount=self._gross(),
            ordered_at=ordered_at,
            recorded_at=recorded_at,
        )
        self.orders.append(order)
        self._fees_of(order)
        for _ in range(self._few()):
            self._refund(order)
        for _ in range(self._few()):
            self._dispute(order)

    def _fees_of(self, order: Order) -> None:
        amounts = [(order.gross_amount * 12 / 100).quantize(CENT)]
        if self.rng.random() < 0.4:
            amounts.append(self.rng.choice((Decimal("0.00"), Decimal("0.30"), Decimal("4.99"))))
        if self.rng.random() < 0.2:  # a credit: part of the fees, all of them, or more than them
            share = self.rng.choice((50, 100, 100, 130))
            amounts.append(-(sum(amounts) * share / 100).quantize(CENT))
        kinds = ("commission", "processing", "commission_refund")
        for number, amount in enumerate(amounts):
            at = order.ordered_at if number == 0 else self._happened(order)
            kind = kinds[2] if amount < 0 else kinds[number % 2]
            ids = (self._id("f"), order.order_id, order.seller_id)
            self.fees.append(Fee(*ids, kind, amount, at, self.clock.recorded(at, order)))

    def _refund(self, order: Order) -> None:
        at = self._happened(order)
        ids = (self._id("r"), order.order_id, order.seller_id)
        amount = self._part(order.gross_amount)
        self.refunds.append(Refund(*ids, amount, at, self.clock.recorded(at, order), "canceled"))

    def _dispute(self, order: Order) -> None:
        """Opened; then perhaps won or lost, in part or above, at any time, even recorded before."""
        dispute_id = self._id("d")
        opened = self._event(dispute_id, order, "opened", self._part(order.gross_amount))
        if self.rng.random() < 0.65:
            part = self.rng.choice((opened.amount, opened.amount, self._part(opened.amount)))
            self._event(dispute_id, order, self.rng.choice(("won", "won", "lost")), part)

    def _event(
        self, dispute_id: str, order: Order, event_type: str, amount: Decimal
    ) -> DisputeEvent:
        at = self._happened(order)
        event = DisputeEvent(
            dispute_event_id=self._id("e"),
            dispute_id=dispute_id,
            order_id=order.order_id,
            seller_id=order.seller_id,
            event_type=event_type,
            amount=amount,
            occurred_at=at,
            recorded_at=self.clock.recorded(at, order),
        )
        self.events.append(event)
        return event

    def spoil(self) -> None:
        """Bad facts: most are good ones gone wrong, some are one too many."""
        for order in self.rng.sample(self.orders, len(self.orders) // 6):
            self._spoil_disputes_of(order)
        self.orders = [self._spoilt_order(order) for order in self.orders]
        self.fees = [self._spoilt(fee, signed=True) for fee in self.fees]
        self.refunds = [self._spoilt(refund) for refund in self.refunds]
        self.events = [self._spoilt(event) for event in self.events]

    def _spoil_disputes_of(self, order: Order) -> None:
        mine = [event for event in self.events if event.order_id == order.order_id]
        opened = [event for event in mine if event.event_type == "opened"]
        amount = self._part(order.gross_amount)
        outcome = self.rng.choice(("won", "lost"))
        if not opened:
            self._event(self._id("d"), order, outcome, amount)
            return
        dispute_id = self.rng.choice(opened).dispute_id
        other = self.rng.choice(self.orders)
        self._event(dispute_id, self.rng.choice((order, other)), "opened", amount)
        self._event(dispute_id, other, outcome, amount)
        self._event(dispute_id, order, outcome, amount)
        self._event(dispute_id, order, "won", amount)

    def _spoilt_order(self, order: Order) -> Order:
        if self.rng.random() > 0.10:
            return order
        amount = order.gross_amount
        return self.rng.choice(
            (
                replace(order, currency="EUR"),
                replace(order, seller_id="ghost"),
                replace(order, gross_amount=amount + Decimal("0.005")),
                replace(order, gross_amount=Decimal("0.00")),
                replace(order, gross_amount=-amount),
            )
        )

    def _spoilt(self, fact: F, *, signed: bool = False) -> F:
        if self.rng.random() > 0.08:
            return fact
        other = self.rng.choice(self.sellers).seller_id
        spoilt = [
            replace(fact, order_id="nowhere"),
            replace(fact, seller_id=other),
            replace(fact, seller_id="ghost"),
            replace(fact, amount=fact.amount + Decimal("0.005")),
        ]
        if not signed:
            spoilt += [replace(fact, amount=Decimal("0.00")), replace(fact, amount=-fact.amount)]
        return self.rng.choice(spoilt)

    def _happened(self, order: Order) -> datetime:
        return self.clock.happened(order, self.created[order.seller_id])

    def _few(self) -> int:
        return self.rng.choices((0, 1, 2, 3), weights=(55, 25, 15, 5))[0]

    def _gross(self) -> Decimal:
        if self.rng.random() < 0.5:
            return Decimal(self.rng.choice(ROUND_SUMS))
        return Decimal(self.rng.randint(1, 10 ** self.rng.randint(2, 6))) * CENT

    def _part(self, whole: Decimal) -> Decimal:
        """All of it, half, a cent, or something up to one and a half times; never 0."""
        share = self.rng.choice((100, 100, 50, 0, self.rng.randint(1, 150)))
        return max(CENT, (whole * share / 100).quantize(CENT))

    def _id(self, kind: str) -> str:
        self._count += 1
        return f"{self.rng.choice('aAbB_Z')}-{kind}{self._count % 7}-{self._count}"
