"""The settlement: one row per seller and window."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from .facts import Line
from .ledger import Ledger
from .money import minor
from .windows import window_labelled, window_numbered, window_of


@dataclass(frozen=True)
class SettlementRow:
    """Money in cents; what reduces the seller's balance is positive, but in `adjustments`."""

    seller_id: str
    payout_window: str
    gross: int
    fees: int
    taxes: int
    refunds: int
    disputes: int
    charges: int
    adjustments: int
    carried_forward: int
    net: int
    rail: str | None
    order_count: int
    window_starts_at: datetime
    window_ends_at: datetime
    is_open: bool


# Where an entry shows; all others are a dispute's.
COLUMNS = {
    **{"order": "gross", "holdback": "gross", "fee": "fees", "tax": "taxes"},
    **{"refund": "refunds", "reversal": "refunds"},
    **{"charge": "charges", "adjustment": "adjustments"},
}


@dataclass
class _Week:
    """What is new for a seller in one window, and what is brought into it beside the balance."""

    sums: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    order_count: int = 0
    entry_count: int = 0
    brought: int = 0  # by lines, and by an opening balance

    @property
    def new(self) -> int:
        return sum(self.sums.values())


def settlement_rows(ledger: Ledger) -> list[SettlementRow]:
    """Sorted by seller, then by time; up to the open window, which holds what is known by now."""
    timezone = ledger.settings.timezone
    last = ledger.open_window
    weeks: dict[str, dict[int, _Week]] = defaultdict(lambda: defaultdict(_Week))
    for entry in ledger.entries:
        week = weeks[entry.seller_id][entry.window.number]
        week.entry_count += 1
        if entry.kind == "opening_balance":
            week.brought += entry.amount_minor
            continue
        week.sums[COLUMNS.get(entry.kind, "disputes")] += entry.amount_minor
        week.order_count += entry.kind == "order"
    for line in ledger.facts.lines:
        for number, amount in line_effects(line, ledger):
            weeks[line.seller_id][number].brought += amount

    rails = {s.seller_id: ledger.settings.rail(s) for s in ledger.facts.sellers}
    rows = []
    for seller_id in sorted(weeks):
        balance = 0
        for number in range(min(weeks[seller_id]), last.number + 1):
            week = weeks[seller_id].get(number, _Week())
            carried = balance + week.brought
            balance = carried + week.new
            if not week.entry_count and not carried:
                continue
            window = window_numbered(number, timezone)
            rows.append(
                SettlementRow(
                    seller_id=seller_id,
                    payout_window=window.label,
                    gross=week.sums["gross"],
                    fees=-week.sums["fees"],
                    taxes=-week.sums["taxes"],
                    refunds=-week.sums["refunds"],
                    disputes=-week.sums["disputes"],
                    charges=-week.sums["charges"],
                    adjustments=week.sums["adjustments"],
                    carried_forward=carried,
                    net=balance,
                    rail=rails.get(seller_id),
                    order_count=week.order_count,
                    window_starts_at=window.starts_at,
                    window_ends_at=window.ends_at,
                    is_open=number == last.number,
                )
            )
    return rows


def line_effects(line: Line, ledger: Ledger) -> list[tuple[int, int]]:
    """(window number, cents): how a line moves what is carried into each window from then on.

    A line takes its amount from the windows after its own, from its freeze on; the amount comes
    back in the window in which that was recorded, and goes again where it was completed after all.
    """
    timezone, amount = ledger.settings.timezone, minor(line.amount)
    if line.frozen_at > ledger.as_of:
        return []
    own = window_labelled(line.payout_window, timezone).number
    effects = [(max(own + 1, window_of(line.frozen_at, timezone).number), -amount)]
    for at, moved in ((line.returned_at, amount), (line.completed_after_return_at, -amount)):
        if at is not None and at <= ledger.as_of:
            effects.append((window_of(at, timezone).number, moved))
    return effects
