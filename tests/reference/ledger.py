"""Entries: what facts do to balances. Effective claims are worked out per order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from .facts import Facts, Settings, minor, utc
from .screening import DataException, KnownOrder, Screened, screen
from .windows import Window, window_of

Kind = Literal["order", "fee", "refund", "dispute_opened", "dispute_won", "adjustment"]

_CLAIM_ORDER = {"refund": 0, "dispute_opened": 1, "dispute_won": 2}


@dataclass(frozen=True)
class Claim:
    """`face_minor` and `effect_minor` are positive where they take from the seller."""

    order: KnownOrder
    kind: Kind
    source_id: str
    dispute_id: str | None
    face_minor: int
    occurred_at: datetime
    known_at: datetime
    effect_minor: int = 0

    @property
    def rank(self) -> tuple[datetime, datetime, int, str]:
        return (self.known_at, self.occurred_at, _CLAIM_ORDER[self.kind], self.source_id)


@dataclass(frozen=True)
class Entry:
    """`amount_minor` is signed: what it adds to the seller's balance, in cents."""

    order_id: str | None
    seller_id: str
    kind: Kind
    source_id: str
    amount_minor: int
    occurred_at: datetime
    known_at: datetime
    available_at: datetime
    window: Window

    @property
    def payout_window(self) -> str:
        return self.window.label


@dataclass
class Ledger:
    """The state known by `as_of`; entries in the order (known, occurred, kind, source id)."""

    as_of: datetime
    settings: Settings
    facts: Facts
    screened: Screened
    claims: list[Claim]
    entries: list[Entry]

    @property
    def open_window(self) -> Window:
        return window_of(self.as_of, self.settings.timezone)


def keep(facts: Facts, as_of: datetime, settings: Settings) -> Ledger:
    """The ledger as of an instant. Every view of the reference is read from one of these."""
    as_of = utc(as_of)
    screened = screen(facts, as_of, settings)
    by_order: dict[str, list[Claim]] = defaultdict(list)
    for claim in _face_claims(screened):
        by_order[claim.order.order.order_id].append(claim)
    claims = [claim for order_claims in by_order.values() for claim in clamp(order_claims)]
    entries = [*_order_entries(screened, claims, settings), *_adjustments(facts, as_of, settings)]
    entries = [entry for entry in entries if entry.amount_minor != 0]
    entries.sort(key=lambda e: (e.known_at, e.occurred_at, e.kind, e.source_id))
    return Ledger(as_of, settings, facts, screened, claims, entries)


def clamp(claims: list[Claim]) -> list[Claim]:
    """The claims of one order, each with how far it moves the plain sum clamped to [0, gross]."""
    result, total = [], 0
    for claim in sorted(claims, key=lambda c: c.rank):
        gross = claim.order.gross_minor
        before = min(max(total, 0), gross)
        total += claim.face_minor
        result.append(replace(claim, effect_minor=min(max(total, 0), gross) - before))
    return result


def _face_claims(screened: Screened) -> Iterator[Claim]:
    """Refunds, in-time opens and their wins, before the clamp; late disputes take no part."""
    for refund in screened.refunds:
        yield Claim(
            order=refund.order,
            kind="refund",
            source_id=refund.fact.refund_id,
            dispute_id=None,
            face_minor=refund.amount_minor,
            occurred_at=refund.fact.refunded_at,
            known_at=refund.known_at,
        )
    for dispute in screened.disputes:
        if not dispute.in_time:
            continue
        opened, outcome = dispute.opened, dispute.outcome
        claim = Claim(
            order=opened.order,
            kind="dispute_opened",
            source_id=opened.fact.dispute_event_id,
            dispute_id=opened.fact.dispute_id,
            face_minor=opened.amount_minor,
            occurred_at=opened.fact.occurred_at,
            known_at=opened.known_at,
        )
        yield claim
        if outcome and outcome.fact.event_type == "won":
            yield replace(
                claim,
                kind="dispute_won",
                source_id=outcome.fact.dispute_event_id,
                face_minor=-min(outcome.amount_minor, opened.amount_minor),
                occurred_at=max(outcome.fact.occurred_at, claim.occurred_at),
                known_at=max(outcome.known_at, claim.known_at),
            )


def _order_entries(screened: Screened, claims: list[Claim], settings: Settings) -> Iterator[Entry]:
    def entry(
        order: KnownOrder, kind: Kind, source: str, amount: int, occurred: datetime, known: datetime
    ) -> Entry:
        available = max(known, order.release_at)
        window = window_of(available, settings.timezone)
        fact = order.order
        return Entry(
            fact.order_id, fact.seller_id, kind, source, amount, occurred, known, available, window
        )

    for order in screened.orders.values():
        fact = order.order
        yield entry(
            order, "order", fact.order_id, order.gross_minor, fact.ordered_at, order.known_at
        )
    for fee in screened.fees:
        charge = fee.fact
        amount = -fee.amount_minor
        yield entry(fee.order, "fee", charge.fee_id, amount, charge.charged_at, fee.known_at)
    for c in claims:
        yield entry(c.order, c.kind, c.source_id, -c.effect_minor, c.occurred_at, c.known_at)


def _adjustments(facts: Facts, as_of: datetime, settings: Settings) -> Iterator[Entry]:
    """Available at their approval, whatever the seller's orders do."""
    for item in facts.adjustments:
        at = item.approved_at
        if at <= as_of:
            window = window_of(at, settings.timezone)
            source, amount = item.adjustment_id, minor(item.amount)
            yield Entry(None, item.seller_id, "adjustment", source, amount, at, at, at, window)


def all_exceptions(ledger: Ledger) -> list[DataException]:
    """Bad facts, what the clamp cut off, and fee credits of orders credited above their fees."""
    found = list(ledger.screened.exceptions)
    for claim in ledger.claims:
        cut = abs(claim.face_minor - claim.effect_minor)
        if cut:
            table = "refunds" if claim.kind == "refund" else "dispute_events"
            order_id = claim.order.order.order_id
            found.append(DataException(table, claim.source_id, "claim_clamped", order_id, cut))
    charged: dict[str, int] = defaultdict(int)
    for fee in ledger.screened.fees:
        charged[fee.fact.order_id] += fee.amount_minor
    for fee in ledger.screened.fees:
        order_id, above = fee.fact.order_id, -charged[fee.fact.order_id]
        if above > 0 and fee.amount_minor < 0:
            reason = "fee_credit_above_fees"
            found.append(DataException("order_fees", fee.fact.fee_id, reason, order_id, above))
    return sorted(found)
