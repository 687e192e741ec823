"""Entries: what facts do to balances. Effective claims are worked out per order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

from .disputes import Dispute, disputes
from .facts import Facts, Key, fact_id, utc
from .known import KnownOrder, Screened
from .money import minor
from .posting import NOTHING_STORED, Posting
from .refunds import RefundClaim, refund_claims
from .screening import Screening
from .settings import Settings
from .windows import Window, window_of

# Kinds of entries and the tables that they come from; adjustments and opening balances from none.
_TABLES = {
    **dict.fromkeys(("order", "holdback"), "orders"),
    **dict.fromkeys(("fee", "tax"), "order_fees"),
    **dict.fromkeys(("refund", "reversal"), "refunds"),
    **dict.fromkeys(
        ("dispute_opened", "dispute_won", "dispute_lost", "dispute_withdrawn"), "dispute_events"
    ),
    "charge": "seller_charges",
}
_CLAIM_ORDER = {"refund": 0, "reversal": 1, "dispute_opened": 2}


@dataclass(frozen=True)
class Claim:
    """`claimed` and `moved` are of the order's currency, `effect_minor` of the settlement's.

    All are positive where they take from the seller; `moved` is what the clamp left of `claimed`.
    """

    order: KnownOrder
    kind: str
    source_id: str
    claimed: Fraction
    occurred_at: datetime
    known_at: datetime
    moved: Fraction = Fraction(0)
    effect_minor: int = 0

    @property
    def rank(self) -> tuple[datetime, datetime, int, str]:
        order = _CLAIM_ORDER.get(self.kind, len(_CLAIM_ORDER))
        return (self.known_at, self.occurred_at, order, self.source_id)

    @property
    def fact(self) -> Key:
        return (_TABLES[self.kind], self.order.order.seller_id, self.source_id)


@dataclass(frozen=True)
class Entry:
    """`amount_minor` is signed: what it adds to the seller's balance, in cents."""

    order_id: str | None
    seller_id: str
    kind: str
    source_id: str
    amount_minor: int
    occurred_at: datetime
    known_at: datetime
    available_at: datetime
    window: Window

    @property
    def payout_window(self) -> str:
        return self.window.label

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.seller_id, self.kind, self.source_id)

    @property
    def fact(self) -> Key:
        """The fact that it comes from, where that is a row of a source table."""
        return (_TABLES.get(self.kind, ""), self.seller_id, self.source_id)


@dataclass
class Ledger:
    """The state known by `as_of`; entries in the order (known, occurred, kind, seller, id).

    `elsewhere` are the entries that whoever paid before go-live has settled.
    """

    as_of: datetime
    settings: Settings
    facts: Facts
    screened: Screened
    refunds: list[RefundClaim]
    disputes: list[Dispute]
    claims: list[Claim]
    entries: list[Entry]
    elsewhere: list[Entry] = field(default_factory=list)
    posting: Posting = NOTHING_STORED

    @property
    def open_window(self) -> Window:
        return window_of(self.as_of, self.settings.timezone)


def keep(
    facts: Facts, as_of: datetime, settings: Settings, posting: Posting = NOTHING_STORED
) -> Ledger:
    """The ledger as of an instant. Every view of the reference is read from one of these."""
    ledger = _kept(facts, utc(as_of), settings, posting)
    if facts.go_live and facts.go_live.starts_at <= ledger.as_of:
        _leave_elsewhere(ledger)
    return ledger


def close(facts: Facts, window: Window, settings: Settings, posting: Posting) -> Posting:
    """What is known of late facts once this window is stored too, after those before it."""
    return closed(_screened(facts, window.ends_at, settings, posting)[0], window, posting)


def closed(screened: Screened, window: Window, posting: Posting) -> Posting:
    """The same of what is found as of the window's end."""
    saw = {key for key, at in screened.places.items() if at < window.ends_at}
    posted = {key: at for key, at in screened.posted.items() if key in saw}
    return Posting(window.ends_at, posting.seen | saw, {**posted, **posting.posted})


def unposted(ledger: Ledger) -> Screened:
    """What is found of the same facts as if each had come in time; nothing is left elsewhere."""
    return _screened(ledger.facts, ledger.as_of, ledger.settings, NOTHING_STORED)[0]


def _screened(
    facts: Facts, as_of: datetime, settings: Settings, posting: Posting
) -> tuple[Screened, list[RefundClaim], list[Dispute]]:
    screening = Screening(facts, as_of, settings, posting)
    screened = screening.screen()
    return screened, refund_claims(screening), disputes(screening)


def _kept(facts: Facts, as_of: datetime, settings: Settings, posting: Posting) -> Ledger:
    screened, refunds, disputed = _screened(facts, as_of, settings, posting)
    by_order: dict[tuple[str, str], list[Claim]] = defaultdict(list)
    for claim in _face_claims(refunds, disputed):
        by_order[claim.order.key].append(claim)
    claims = [claim for mine in by_order.values() for claim in clamp(mine)]
    ledger = Ledger(
        *(as_of, settings, facts, screened, refunds, disputed, claims, []), posting=posting
    )
    entries = [*_order_entries(ledger), *_seller_entries(ledger)]
    ledger.entries = sorted(
        (entry for entry in entries if entry.amount_minor != 0),
        key=lambda e: (e.known_at, e.occurred_at, e.kind, e.seller_id, e.source_id),
    )
    return ledger


def clamp(claims: list[Claim]) -> list[Claim]:
    """The claims of one order, each with how far it moves the plain sum clamped to [0, gross]."""
    result, total = [], Fraction(0)
    for claim in sorted(claims, key=lambda c: c.rank):
        order = claim.order
        before = min(max(total, Fraction(0)), order.gross)
        total += claim.claimed
        after = min(max(total, Fraction(0)), order.gross)
        effect = order.converted(after) - order.converted(before)
        result.append(replace(claim, moved=after - before, effect_minor=effect))
    return result


def _face_claims(refunds: list[RefundClaim], disputed: list[Dispute]) -> Iterator[Claim]:
    """Before the clamp; late disputes take no part."""
    for refund in refunds:
        known = refund.refund
        kind = "reversal" if refund.reverses else "refund"
        yield Claim(
            *(known.order, kind, fact_id(known.fact), refund.claimed),
            *(known.occurred_at, known.known_at),
        )
    for dispute in disputed:
        for moved in dispute.claims if dispute.in_time else ():
            event = moved.event
            kind = f"dispute_{event.fact.event_type}"
            yield Claim(
                *(event.order, kind, fact_id(event.fact), moved.claimed),
                *(event.occurred_at, event.known_at),
            )


def _order_entries(ledger: Ledger) -> Iterator[Entry]:
    zone = ledger.settings.timezone

    def entry(
        *what: *tuple[KnownOrder, str, str, int, datetime, datetime],
        available_at: datetime | None = None,
    ) -> Entry:
        order, kind, source, amount, occurred, known = what
        at = available_at or max(known, order.release_at)
        ids = (order.order.order_id, order.order.seller_id)
        return Entry(*ids, kind, source, amount, occurred, known, at, window_of(at, zone))

    for order in ledger.screened.orders.values():
        fact, kept = order.order, order.holdback_minor
        when = (fact.ordered_at, order.known_at)
        yield entry(order, "order", fact.order_id, order.gross_minor - kept, *when)
        yield entry(order, "holdback", fact.order_id, kept, *when, available_at=order.holdback_at)
    for fee in ledger.screened.fees:
        kind = "tax" if fee.fact.fee_type in ledger.settings.taxes else "fee"
        amount = -fee.order.converted(fee.amount)
        yield entry(fee.order, kind, fee.fact.fee_id, amount, fee.occurred_at, fee.known_at)
    for c in ledger.claims:
        yield entry(c.order, c.kind, c.source_id, -c.effect_minor, c.occurred_at, c.known_at)


def _seller_entries(ledger: Ledger) -> Iterator[Entry]:
    """What is of no order: available when it is known, approved, or owed at go-live."""

    def entry(seller: str, kind: str, source: str, amount: int, *when: datetime) -> Entry:
        occurred, known = when
        window = window_of(known, ledger.settings.timezone)
        return Entry(None, seller, kind, source, amount, occurred, known, known, window)

    for known in ledger.screened.charges:
        row = known.charge
        when = (row.charged_at, known.known_at)
        yield entry(row.seller_id, "charge", row.charge_id, -known.amount_minor, *when)
    for item in ledger.facts.adjustments:
        at = item.approved_at
        if at <= ledger.as_of:
            amount = minor(item.amount)
            yield entry(item.seller_id, "adjustment", item.adjustment_id, amount, at, at)
    go_live = ledger.facts.go_live
    if go_live and go_live.starts_at <= ledger.as_of:
        at = go_live.starts_at
        for balance in go_live.balances:
            seller, amount = balance.seller_id, minor(balance.amount)
            yield entry(seller, "opening_balance", go_live.go_live_id, amount, at, at)


def _leave_elsewhere(ledger: Ledger) -> None:
    """Whenever it is loaded: what would have been available before go-live is not ours to pay."""
    assert ledger.facts.go_live
    starts_at = ledger.facts.go_live.starts_at

    def is_elsewhere(entry: Entry) -> bool:
        if entry.kind == "holdback":
            order = ledger.screened.orders[entry.seller_id, entry.source_id]
            return max(order.first_known_at, order.release_at + order.kept_for) < starts_at
        if entry.fact[0]:
            return entry.fact in ledger.screened.elsewhere
        return entry.available_at < starts_at

    ledger.elsewhere = [entry for entry in ledger.entries if is_elsewhere(entry)]
    early = {entry.key for entry in ledger.elsewhere}
    ledger.entries = [entry for entry in ledger.entries if entry.key not in early]
