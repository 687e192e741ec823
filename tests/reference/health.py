"""Health: one row per seller, at the end of the latest closed window. No floats, no rounding
but the one that is shown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from .ledger import Ledger
from .money import round_half_away

DAY = timedelta(days=1)
ONE = Fraction(1)


@dataclass(frozen=True)
class HealthRow:
    """Money in cents. Rates are exact; `health_score` is as shown, with one decimal place."""

    seller_id: str
    trailing_30d_gross: int
    trailing_30d_fees: int
    trailing_30d_disputes: int
    health_score: Decimal
    dispute_rate: Fraction
    refund_rate: Fraction
    spike_ratio: Fraction | None
    needs_review: bool
    review_reasons: tuple[str, ...]
    trailing_30d_refunds: int
    last_7d_gross: int
    as_of: datetime


def rate(part: int, gross: int) -> Fraction:
    """part / gross, at most 1; 0 where there is no part, 1 where there is no gross but a part."""
    if part <= 0 or gross <= 0:
        return Fraction(1 if part > 0 else 0)
    return min(ONE, Fraction(part, gross))


def score(dispute_rate: Fraction, refund_rate: Fraction, spike_ratio: Fraction | None) -> Decimal:
    spike = Fraction(0) if spike_ratio is None else max(Fraction(0), spike_ratio - 1)
    exact = 100 * (
        1
        - Fraction(60, 100) * min(ONE, dispute_rate / Fraction(5, 100))
        - Fraction(15, 100) * min(ONE, refund_rate / Fraction(20, 100))
        - Fraction(25, 100) * min(ONE, spike / 3)
    )
    return round_half_away(exact, 1)


def health_rows(ledger: Ledger) -> list[HealthRow]:
    """Sorted by seller. T is where the open window starts: the end of the latest closed one."""
    end = ledger.open_window.starts_at
    month, week = end - 30 * DAY, end - 7 * DAY
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))

    def count(seller: str, name: str, amount: int, occurred: datetime, known: datetime) -> None:
        if known >= end:
            return
        mine = sums[seller]
        if month <= occurred < end:
            mine[name] += amount
            if week <= occurred:
                mine[f"{name}_7d"] += amount

    # Good facts at face value: the clamp and the lateness of a dispute change nothing here.
    screened = ledger.screened
    for order in screened.orders.values():
        fact = order.order
        count(fact.seller_id, "gross", order.gross_minor, fact.ordered_at, order.known_at)
    for fee in screened.fees:
        if fee.fact.fee_type not in ledger.settings.taxes:
            amount = fee.order.converted(fee.amount)
            count(fee.fact.seller_id, "fees", amount, fee.occurred_at, fee.known_at)
    for claim in ledger.refunds:
        refund = claim.refund
        amount = refund.order.converted(claim.claimed)
        count(refund.fact.seller_id, "refunds", amount, refund.occurred_at, refund.known_at)
    for dispute in ledger.disputes:
        is_withdrawn = dispute.withdrawn_at is not None and dispute.withdrawn_at < end
        for event in dispute.opened:
            amount = 0 if is_withdrawn else event.order.converted(event.amount)
            count(event.fact.seller_id, "disputes", amount, event.occurred_at, event.known_at)
    firsts: dict[str, datetime] = {}
    for order in screened.orders.values():
        fact = order.order
        if order.known_at < end:
            earlier = firsts.get(fact.seller_id, fact.ordered_at)
            firsts[fact.seller_id] = min(earlier, fact.ordered_at)
    return [_row(seller, sums[seller], end, firsts.get(seller)) for seller in sorted(sums)]


def _row(
    seller_id: str, sums: dict[str, int], end: datetime, first_sold: datetime | None
) -> HealthRow:
    gross, last_7d = sums["gross"], sums["gross_7d"]
    dispute_rate = rate(sums["disputes"], gross)
    refund_rate = rate(sums["refunds"], gross)
    before = gross - last_7d
    history = min(23, (end - 7 * DAY - first_sold) // DAY) if first_sold else 0
    spike = Fraction(last_7d * history, before * 7) if before and history >= 7 else None
    shown = score(dispute_rate, refund_rate, spike)
    found = {
        "disputes": dispute_rate >= Fraction(3, 100) and sums["disputes"] >= 100_00,
        "spike": spike is not None and spike >= 3 and last_7d >= 1000_00,
        "new_volume": spike is None and last_7d >= 5000_00,
        "score": shown < 50 and gross >= 1000_00,
    }
    reasons = tuple(name for name, holds in found.items() if holds)
    return HealthRow(
        seller_id=seller_id,
        trailing_30d_gross=gross,
        trailing_30d_fees=sums["fees"],
        trailing_30d_disputes=sums["disputes"],
        health_score=shown,
        dispute_rate=dispute_rate,
        refund_rate=refund_rate,
        spike_ratio=spike,
        needs_review=bool(reasons),
        review_reasons=reasons,
        trailing_30d_refunds=sums["refunds"],
        last_7d_gross=last_7d,
        as_of=end,
    )
