"""Refunds and their reversals: what each of them claims of the seller."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

from .facts import Refund
from .known import Known
from .screening import Screening


@dataclass(frozen=True)
class RefundClaim:
    """In the order's currency: positive for a refund, negative or 0 for a reversal."""

    refund: Known[Refund]
    claimed: Fraction
    reverses: Known[Refund] | None = None


def refund_claims(screening: Screening) -> list[RefundClaim]:
    """A reversal claims back at most what the earlier ones left of its refund."""
    seen = list(filter(screening.is_seen, screening.facts.refunds))
    rows = {(row.seller_id, row.refund_id): row for row in seen}
    good: dict[tuple[str, str], Known[Refund]] = {}
    for row in seen:
        if row.reverses_refund_id is None and (known := screening.child(row)):
            good[row.seller_id, row.refund_id] = known
    claims = [RefundClaim(refund, refund.amount) for refund in good.values()]

    reversals: dict[tuple[str, str], list[Known[Refund]]] = defaultdict(list)
    for row in seen:
        if row.reverses_refund_id is None:
            continue
        of = (row.seller_id, row.reverses_refund_id)
        fault = _fault(row, rows.get(of), good.get(of))
        if known := screening.child(row, after=good.get(of), fault=fault):
            reversals[of].append(known)
    for of, mine in reversals.items():
        left = good[of].amount
        for reversal in sorted(mine, key=lambda known: known.rank):
            claimed = min(reversal.amount, left)
            left -= claimed
            claims.append(RefundClaim(reversal, -claimed, good[of]))
    return claims


def _fault(reversal: Refund, row: Refund | None, refund: Known[Refund] | None) -> str | None:
    if row is None:
        return "reverses_unknown_refund"
    if row.reverses_refund_id is not None:
        return "reverses_a_reversal"
    if row.order_id != reversal.order_id:
        return "reverses_refund_of_other_order"
    return None if refund else "reverses_refund_without_effect"
