"""What is listed for people: bad facts, what the clamp cut off, what was rounded or posted."""

from __future__ import annotations

from collections import defaultdict

from .known import DataException
from .ledger import Ledger, unposted
from .money import has_at_most


def all_exceptions(ledger: Ledger) -> list[DataException]:
    return sorted(
        [
            *ledger.screened.exceptions,
            *_clamped(ledger),
            *_reversed_too_much(ledger),
            *_credits_above_fees(ledger),
            *_rounded(ledger),
            *_posted(ledger),
        ]
    )


def _clamped(ledger: Ledger) -> list[DataException]:
    """With what was cut off, where that is a cent or more."""
    found = []
    for claim in ledger.claims:
        cut = claim.order.converted(abs(claim.claimed - claim.moved))
        if cut:
            order_id = claim.order.order.order_id
            about = (*claim.fact, "claim_clamped", order_id, cut)
            found.append(DataException(*about, has_effect=claim.effect_minor != 0))
    return found


def _reversed_too_much(ledger: Ledger) -> list[DataException]:
    """Reversals of more than what was left of their refund."""
    found = []
    for claim in ledger.refunds:
        reversal, row = claim.refund, claim.refund.fact
        above = reversal.amount + claim.claimed
        if claim.reverses and above:
            about = ("refunds", row.seller_id, row.refund_id, "reversal_above_refund", row.order_id)
            cut = reversal.order.converted(above)
            found.append(DataException(*about, cut, has_effect=claim.claimed != 0))
    return found


def _credits_above_fees(ledger: Ledger) -> list[DataException]:
    """Of all fees of the order, taxes too."""
    fees = ledger.screened.fees
    charged: dict[tuple[str, str], int] = defaultdict(int)
    for fee in fees:
        charged[fee.order.key] += fee.order.converted(fee.amount)
    found = []
    for fee in fees:
        above, row = -charged[fee.order.key], fee.fact
        if above > 0 and fee.amount < 0:
            reason = "fee_credit_above_fees"
            about = ("order_fees", row.seller_id, row.fee_id, reason, row.order_id)
            found.append(DataException(*about, above, has_effect=True))
    return found


def _rounded(ledger: Ledger) -> list[DataException]:
    """Fees finer than their order's currency, charges finer than the settlement currency."""
    found = []
    for fee in ledger.screened.fees:
        row = fee.fact
        if not has_at_most(row.amount, fee.order.decimals):
            about = ("order_fees", row.seller_id, row.fee_id, "rounded", row.order_id)
            found.append(DataException(*about, has_effect=True))
    decimals = ledger.settings.currencies[ledger.settings.currency]
    for known in ledger.screened.charges:
        charge = known.charge
        if not has_at_most(charge.amount, decimals):
            about = ("seller_charges", charge.seller_id, charge.charge_id, "rounded")
            found.append(DataException(*about, has_effect=True))
    return found


def _posted(ledger: Ledger) -> list[DataException]:
    """Facts that count later than they would if all had come in time, with or without effect.

    `posted_with_another` waits for one that is posted: a fact of a late order, an outcome of a late
    `opened`, a reversal of a late refund, which may have come in time itself. `posted_and_bad` has
    a place after the close, and is bad there.
    """
    if not ledger.posting.stored_until:
        return []
    screened = ledger.screened
    bad = {(e.table, e.seller_id, e.id) for e in screened.exceptions}
    in_time = unposted(ledger).places
    entered = {entry.fact for entry in ledger.entries if entry.kind != "holdback"}
    found = []
    for key, at in screened.places.items():
        if key in bad:
            reason = "posted_and_bad"
        elif key in screened.posted:
            reason = "posted_late"
        else:
            reason = "posted_with_another"
        if key in screened.posted or in_time.get(key, at) != at:
            found.append(DataException(*key, reason, has_effect=key in entered))
    return found
