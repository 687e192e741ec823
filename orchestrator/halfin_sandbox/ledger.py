"""The balances of the local halfin, and every move behind them."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from orchestrator.halfin import CURRENCY_NETWORKS
from orchestrator.halfin_sandbox.payouts import Json, money, now


@dataclass
class Balance:
    total_received: Decimal = Decimal(0)
    total_fees: Decimal = Decimal(0)
    total_paid_out: Decimal = Decimal(0)
    pending: Decimal = Decimal(0)

    @property
    def total(self) -> Decimal:
        return self.total_received - self.total_fees - self.total_paid_out

    @property
    def available(self) -> Decimal:
        return self.total - self.pending


class Ledger:
    """One balance per currency; `rows` are plain JSON, and rebuild the balances but for pending."""

    def __init__(self, fee_word: str = "fee") -> None:
        self.rows: list[Json] = []
        self.fee_word = fee_word
        self.by_currency: dict[str, list[Json]] = {code: [] for code in CURRENCY_NETWORKS}
        self.balances = {code: Balance() for code in CURRENCY_NETWORKS}

    def post(self, code: str, kind: str, amount: Decimal, payout_id: str | None = None) -> Json:
        """Enter one move and return its row: a deposit or return above 0, a payout or fee below."""
        row: Json = {"id": len(self.rows) + 1, "type": kind, "currency": code}
        row |= {"amount": money(amount), "payout_id": payout_id, "created_at": now()}
        self._apply(row)
        self._add(row | {"balance": money(self.balances[code].total)})
        return self.rows[-1]

    def restore(self, rows: Iterable[Json]) -> None:
        """Take over moves of an earlier run, in their order; those that are here already stay."""
        for row in rows:
            if row["id"] > len(self.rows):
                self._apply(row)
                self._add(row)

    def _add(self, row: Json) -> None:
        self.rows.append(row)
        self.by_currency[row["currency"]].append(row)

    def _apply(self, row: Json) -> None:
        balance, amount = self.balances[row["currency"]], Decimal(row["amount"])
        if row["type"] == "deposit":
            balance.total_received += amount
        elif row["type"] == self.fee_word:
            balance.total_fees -= amount
        else:
            balance.total_paid_out -= amount
