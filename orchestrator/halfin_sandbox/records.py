"""What the local halfin knows and keeps over a restart: payouts, batches, keys, moves, webhooks."""

from decimal import Decimal
from typing import Any

from orchestrator.halfin import CURRENCY_NETWORKS, key_environment
from orchestrator.halfin_sandbox.config import SandboxConfig
from orchestrator.halfin_sandbox.errors import RailError
from orchestrator.halfin_sandbox.ledger import Ledger
from orchestrator.halfin_sandbox.payouts import Json, total_fee
from orchestrator.halfin_sandbox.store import Store, unreadable

OPEN_STATES = ("pending_approval", "processing")


class Records:
    """All is plain JSON, so that it can be written out as it stands; the balances follow from it.

    `commit` keeps what changed over a restart.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.environment = key_environment(config.api_key)
        self.payouts: dict[str, Json] = {}
        self.batches: dict[str, Json] = {}
        self.keys: dict[str, list[str]] = {}  # kind and key -> digest of the request, id
        self.ledger = Ledger(config.fee_word)
        self.deliveries: dict[int, Json] = {}
        self._store = Store(config.state_file)
        self._load()
        self.in_order = list(self.payouts.values())
        if not self.ledger.rows:
            for code in CURRENCY_NETWORKS:
                self._post(code, "deposit", config.opening_balance)
        self.save()

    def in_state(self, status: str) -> list[str]:
        return [p["id"] for p in self.in_order if p["status"] == status]

    def deliver(self, event: Json) -> Json:
        """Enter one webhook that is to be sent."""
        delivery: Json = {"id": len(self.deliveries) + 1, "attempts": 0, "state": "pending"}
        delivery |= event | {"answers": []}
        self.deliveries[delivery["id"]] = delivery
        self._store.note("deliveries", delivery["id"], delivery)
        return delivery

    def delivered(self, delivery: Json) -> None:
        """Keep how an attempt at a delivery went."""
        self._store.note("deliveries", delivery["id"], delivery)
        self.commit()

    def commit(self) -> None:
        self._store.commit()

    def save(self) -> None:
        """Write the books to the state file, whole or not at all."""
        books: Json = {"payouts": self.payouts, "batches": self.batches, "keys": self.keys}
        books |= {"ledger": self.ledger.rows, "deliveries": list(self.deliveries.values())}
        self._store.snapshot(books)

    def _original(self, key: str, digest: str) -> str | None:
        """The id that was made under this key by this request; 409 when by another."""
        known = self.keys.get(key)
        if known is None:
            return None
        if known[0] != digest:
            name = key.partition("|")[2]
            detail = f"idempotency_key: {name} is taken by another request"
            raise RailError(409, "conflict", "Idempotency key reused with another body", [detail])
        return known[1]

    def _change(self, payout: Json, change: Json) -> None:
        payout |= change
        self._store.note("payouts", payout["id"], payout)

    def _hold_back(self, payout: Json, sign: int) -> None:
        total = Decimal(payout["amount"]) + total_fee(payout)
        self.ledger.balances[payout["currency"]].pending += sign * total

    def _post(self, *move: Any) -> None:
        row = self.ledger.post(*move)
        self._store.note("ledger", row["id"], row)

    def _remember(self, key: str, digest: str, made: str) -> None:
        self.keys[key] = [digest, made]
        self._store.note("keys", key, self.keys[key])

    def _load(self) -> None:
        try:
            for change in self._store.load():
                self.payouts |= change["payouts"]
                self.batches |= change["batches"]
                self.keys |= change["keys"]
                self.ledger.restore(change["ledger"])
                self.deliveries |= {d["id"]: d for d in change["deliveries"]}
        except (KeyError, TypeError) as error:
            raise unreadable(self.config.state_file, error) from None
        for p in self.payouts.values():
            if p["status"] in OPEN_STATES:
                self._hold_back(p, 1)
