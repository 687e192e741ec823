"""What happens in a random world: orders and all that befalls them."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from .clockwork import Clockwork
from .facts import Charge, DisputeEvent, Fee, Order, Refund, Seller

CENT = Decimal("0.01")
# In a currency's own unit, so that the sums are about as large as in dollars.
RATES = {"USD": "1", "EUR": "1.0839", "JPY": "0.0067213", "KWD": "3.2551", "IDR": "0.000063"}
ROUND_SUMS = ("1.00", "10.00", "99.99", "100.00", "1000.00", "5000.00", "0.01")
FINE = ("0.005", "-0.005", "0.0049", "0.0001", "1.105", "-2.675")


class History:
    """Grows lists of facts. Ids are unique within a seller only, and differ in case first."""

    def __init__(self, rng: Random, clock: Clockwork, sellers: list[Seller]) -> None:
        self.rng = rng
        self.clock = clock
        self.sellers = {seller.seller_id: seller for seller in sellers}
        self.decimals = clock.settings.currencies
        self.orders: list[Order] = []
        self.fees: list[Fee] = []
        self.refunds: list[Refund] = []
        self.events: list[DisputeEvent] = []
        self.charges: list[Charge] = []
        self._counts: Counter[str] = Counter()

    def add_order(self, seller: Seller, *, ahead: bool = False) -> None:
        """`ahead`: recorded before it happened, by a clock that is wrong."""
        ordered_at = self.clock.ordered()
        recorded_at = self.clock.recorded(ordered_at)
        currency = self.rng.choices(tuple(RATES), (60, 10, 10, 10, 10))[0]
        rate = None if currency == "USD" else Decimal(RATES[currency])
        order_id = self.new_id("o", seller.seller_id)
        order = Order(
            order_id=order_id,
            checkout_id=f"checkout-{order_id}",  # of several sellers, as their ids are alike
            seller_id=seller.seller_id,
            currency=currency,
            gross_amount=self._gross(currency),
            ordered_at=ordered_at,
            recorded_at=ordered_at - timedelta(hours=5) if ahead else recorded_at,
            exchange_rate=rate,
        )
        self.orders.append(order)
        self._fees_of(order)
        for _ in range(self._few()):
            self._refund(order)
        for _ in range(self._few()):
            self._dispute(order, self.new_id("d", seller.seller_id))

    def add_chargeback(self, orders: list[Order]) -> None:
        """One dispute id over several orders, of one seller or of many."""
        dispute_id = f"cb-{len(self.events)}"
        for order in orders:
            self._dispute(order, dispute_id)

    def add_charge(self, seller: Seller) -> None:
        at = self.clock.ordered()
        amount = Decimal(self.rng.choice((*FINE, "29.00", "29.00", "-50.00", "0.01")))
        kind = self.rng.choice(("subscription", "advertising", "top_up"))
        ids = (self.new_id("c", seller.seller_id), seller.seller_id)
        self.charges.append(Charge(*ids, kind, amount, at, self.clock.recorded(at), "monthly"))

    def event(
        self, dispute_id: str, order: Order, event_type: str, amount: Decimal | None
    ) -> DisputeEvent:
        at = self.clock.happened(order, self.created_at(order))
        event = DisputeEvent(
            dispute_event_id=self.new_id("e", order.seller_id),
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

    def part(self, whole: Decimal, currency: str) -> Decimal:
        """All of it, half, the least, or something up to one and a half times; never 0."""
        share = self.rng.choice((100, 100, 50, 0, self.rng.randint(1, 150)))
        unit = self._unit(currency)
        return max(unit, (whole * share / 100).quantize(unit))

    def created_at(self, order: Order) -> datetime:
        return self.sellers[order.seller_id].created_at

    def new_id(self, kind: str, seller_id: str) -> str:
        self._counts[seller_id] += 1
        count = self._counts[seller_id]
        return f"{'aAbB_Z'[count % 6]}-{kind}{count % 7}-{count}"

    def _fees_of(self, order: Order) -> None:
        unit = self._unit(order.currency)
        amounts = [("commission", (order.gross_amount * 12 / 100).quantize(unit))]
        if self.rng.random() < 0.4:
            kind = self.rng.choice(("processing", "shipping"))
            amounts.append((kind, self.rng.choice((0, 1, 30, 499)) * unit))
        if self.rng.random() < 0.3:
            amounts.append(("tax", (order.gross_amount * 19 / 100).quantize(unit)))
            if self.rng.random() < 0.3:
                amounts.append(("tax_refund", -self.part(amounts[-1][1], order.currency)))
        if self.rng.random() < 0.15:  # finer than its currency
            amounts.append(("processing", Decimal(self.rng.choice(FINE)) * unit * 100))
        if self.rng.random() < 0.2:  # a credit: part of the fees, all of them, or more than them
            share = self.rng.choice((50, 100, 100, 130))
            whole = sum(amount for _, amount in amounts)
            amounts.append(("commission_refund", -(whole * share / 100).quantize(unit)))
        for number, (kind, amount) in enumerate(amounts):
            at = order.ordered_at if number == 0 else self._happened(order)
            ids = (self.new_id("f", order.seller_id), order.order_id, order.seller_id)
            self.fees.append(Fee(*ids, kind, amount, at, self.clock.recorded(at, order)))

    def _refund(self, order: Order) -> None:
        """Then perhaps taken back: once, in parts, twice, or too much, and made again."""
        refund = self._refunded(order, self.part(order.gross_amount, order.currency))
        if self.rng.random() < 0.35:
            for _ in range(self.rng.choice((1, 1, 2, 3))):
                amount = self.rng.choice((refund.amount, self.part(refund.amount, order.currency)))
                self._refunded(order, amount, refund.refund_id)
            if self.rng.random() < 0.5:
                self._refunded(order, refund.amount)

    def _refunded(self, order: Order, amount: Decimal, reverses: str | None = None) -> Refund:
        at = self._happened(order)
        refund = Refund(
            refund_id=self.new_id("r", order.seller_id),
            order_id=order.order_id,
            seller_id=order.seller_id,
            amount=amount,
            refunded_at=at,
            recorded_at=self.clock.recorded(at, order),
            reason="bounced" if reverses else "canceled",
            reverses_refund_id=reverses,
        )
        self.refunds.append(refund)
        return refund

    def _dispute(self, order: Order, dispute_id: str) -> None:
        """Opened; then won, lost, withdrawn, revised, opened again, at any time and in part."""
        opened = self.event(
            dispute_id, order, "opened", self.part(order.gross_amount, order.currency)
        )
        assert opened.amount
        for _ in range(self.rng.choice((0, 0, 1, 1, 1, 2, 3))):
            kind = self.rng.choice(("won", "won", "lost", "lost", "withdrawn", "opened"))
            amount = self.rng.choice((opened.amount, self.part(opened.amount, order.currency)))
            if kind in ("won", "lost") and self.rng.random() < 0.1:
                amount = Decimal("0.00")
            unread = kind == "withdrawn" and self.rng.random() < 0.5
            self.event(dispute_id, order, kind, None if unread else amount)

    def _happened(self, order: Order) -> datetime:
        return self.clock.happened(order, self.created_at(order))

    def _few(self) -> int:
        return self.rng.choices((0, 1, 2, 3), weights=(55, 25, 15, 5))[0]

    def _unit(self, currency: str) -> Decimal:
        return Decimal(1).scaleb(-self.decimals[currency])

    def _gross(self, currency: str) -> Decimal:
        if self.rng.random() < 0.5:
            dollars = Decimal(self.rng.choice(ROUND_SUMS))
        else:
            dollars = Decimal(self.rng.randint(1, 10 ** self.rng.randint(2, 6))) * CENT
        unit = self._unit(currency)
        return max(unit, (dollars / Decimal(RATES[currency])).quantize(unit))
