"""The books of the local halfin: what it takes, pays and fails. No network, no waiting."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from orchestrator.errors import SettleError
from orchestrator.halfin import CURRENCY_NETWORKS, key_environment
from orchestrator.sandbox.config import SandboxConfig, chance
from orchestrator.sandbox.errors import RailError, invalid
from orchestrator.sandbox.ledger import Ledger
from orchestrator.sandbox.payouts import (
    FAILURES,
    Json,
    money,
    new_payout,
    now,
    public,
    total_fee,
    tx_hash,
)
from orchestrator.sandbox.validation import line_problems, parse


class Book:
    """Everything the rail knows. A method does all it says, or raises RailError and does nothing.

    All is plain JSON, so that it can be written out as it stands; the balances follow from it.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.environment = key_environment(config.api_key)
        self.payouts: dict[str, Json] = {}
        self.batches: dict[str, Json] = {}
        self.keys: dict[str, list[str]] = {}  # kind and key -> digest of the request, id
        self.ledger = Ledger()
        self.deliveries: list[Json] = []
        if config.state_file is not None and config.state_file.exists():
            self._load(config.state_file)
        else:
            for code in CURRENCY_NETWORKS:
                self.ledger.post(code, "deposit", config.opening_balance)

    def submit_batch(self, raw: bytes) -> tuple[int, Json]:
        """Take all of a batch or nothing: 201, or 200 and the original for a repeat."""
        body, digest = parse(raw), hashlib.sha256(raw).hexdigest()
        key, lines = body.get("idempotency_key"), body.get("payouts")
        if not isinstance(key, str) or not 1 <= len(key) <= 255:
            raise invalid(["idempotency_key: must be text of 1 to 255 characters"])
        if original := self._original(f"batch|{key}", digest):
            return 200, self.batches[original]
        if not isinstance(lines, list) or not 1 <= len(lines) <= self.config.max_lines:
            raise invalid([f"payouts: must be a list of 1 to {self.config.max_lines}"])
        problems = [p for n, line in enumerate(lines) for p in line_problems(line, f"payouts[{n}]")]
        if problems:
            raise invalid(problems)
        line_keys = Counter(filter(None, (line.get("idempotency_key") for line in lines)))
        if repeated := [k for k, n in line_keys.items() if n > 1]:
            raise invalid([f"payouts: idempotency_key {k} is used twice" for k in repeated])
        for line_key in line_keys:
            self._original(f"line|{line_key}", "part of a batch")
        payouts = self._create(lines, "")
        batch_id = self._uuid("batch", key)
        self.batches[batch_id] = {
            "id": batch_id,
            "idempotency_key": key,
            "created_at": payouts[0]["created_at"],
            "payout_ids": [p["id"] for p in payouts],
        }
        self.keys[f"batch|{key}"] = [digest, batch_id]
        self.save()
        return 201, self.batches[batch_id]

    def submit_payout(self, raw: bytes) -> tuple[int, Json]:
        """Take one payout: 201, or 200 and the original for a repeat."""
        body, digest = parse(raw), hashlib.sha256(raw).hexdigest()
        if problems := line_problems(body, ""):
            raise invalid(problems)
        key = body.get("idempotency_key")
        if key and (original := self._original(f"line|{key}", digest)):
            return 200, self.payouts[original]
        (payout,) = self._create([body], digest)
        self.save()
        return 201, payout

    def batch_view(self, batch: Json) -> Json:
        payouts = [self.payouts[i] for i in batch["payout_ids"]]
        states = {p["status"] for p in payouts}
        open_states = [s for s in ("pending_approval", "processing") if s in states]
        return {
            "id": batch["id"],
            "status": open_states[0] if open_states else "completed",
            "idempotency_key": batch["idempotency_key"],
            "created_at": batch["created_at"],
            "payouts": [public(p) for p in payouts],
        }

    def in_state(self, status: str) -> list[str]:
        return [i for i, p in self.payouts.items() if p["status"] == status]

    def approve(self, ids: Iterable[str]) -> list[str]:
        """Move the waiting ones of these on to the network; returns those that moved."""
        moved = [i for i in ids if self.payouts[i]["status"] == "pending_approval"]
        for i in moved:
            self.payouts[i] |= {"status": "processing", "executable_at": now()}
        return moved

    def settle(self, ids: Iterable[str]) -> list[Json]:
        """Complete or fail those that are on the network; returns the webhooks that follow."""
        seed, at = self.config.seed, now()
        webhooks = []
        for payout in (p for i in ids if (p := self.payouts[i])["status"] == "processing"):
            code, key = payout["currency"], payout["idempotency_key"] or payout["id"]
            amount, fee = Decimal(payout["amount"]), total_fee(payout)
            self.ledger.balances[code].pending -= amount + fee
            if chance(seed, "fail", key) < self.config.failure_rate:
                why = FAILURES[int(chance(seed, "why", key) * len(FAILURES))]
                payout |= {"status": "failed", "network_fee": money(Decimal(0))}
                payout |= {"fee_amount": money(Decimal(0))}
                payout |= {"failure_code": why[0], "failure_reason": why[1]}
            else:
                payout |= {"status": "completed", "completed_at": at, "tx_hash": tx_hash(payout)}
                self.ledger.post(code, "payout", -amount, payout["id"])
                self.ledger.post(code, "fee", -fee, payout["id"])
            event = {"event": f"payout.{payout['status']}", "payout_id": payout["id"]}
            webhooks.append(event | {"created_at": at, "attempts": 0, "state": "pending"})
        return webhooks

    def webhook_body(self, delivery: Json) -> bytes:
        body = {"event": delivery["event"], "created_at": delivery["created_at"]}
        return json.dumps(body | {"data": self.payouts[delivery["payout_id"]]}).encode()

    def _uuid(self, *what: str) -> str:
        return str(uuid5(NAMESPACE_URL, json.dumps([self.config.seed, *what])))

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

    def _create(self, lines: list[Json], digest: str) -> list[Json]:
        at, first = now(), len(self.payouts)
        payouts = [self._payout(line, first + n, at) for n, line in enumerate(lines)]
        balances = self.ledger.balances
        needed: dict[str, Decimal] = dict.fromkeys(balances, Decimal(0))
        for p in payouts:
            needed[p["currency"]] += Decimal(p["amount"]) + total_fee(p)
        short = [
            f"{code}: needs {money(n)}, available {money(balances[code].available)}"
            for code, n in needed.items()
            if n > balances[code].available
        ]
        if short:
            raise RailError(400, "invalid_state", "The balance does not cover the total", short)
        for code, n in needed.items():
            balances[code].pending += n
        for p in payouts:
            self.payouts[p["id"]] = p
            if p["idempotency_key"]:
                self.keys[f"line|{p['idempotency_key']}"] = [digest, p["id"]]
        return payouts

    def _payout(self, line: Json, number: int, at: str) -> Json:
        key = line.get("idempotency_key")
        payout_id = self._uuid("key", key) if key else self._uuid("number", str(number))
        return new_payout(line, payout_id, self.environment, at)

    def save(self) -> None:
        """Write the books to the state file, whole or not at all."""
        if (path := self.config.state_file) is None:
            return
        state = {
            "payouts": self.payouts,
            "batches": self.batches,
            "keys": self.keys,
            "ledger": self.ledger.rows,
            "deliveries": self.deliveries,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.write_text(json.dumps(state))
        draft.replace(path)

    def _load(self, path: Path) -> None:
        try:
            state = json.loads(path.read_bytes())
            self.payouts, self.batches = state["payouts"], state["batches"]
            self.keys, moves = state["keys"], state["ledger"]
            self.deliveries = state["deliveries"]
        except (OSError, ValueError, KeyError) as error:
            raise SettleError(
                f"the sandbox's books in {path} cannot be read ({error}): repair or remove the file"
            ) from None
        self.ledger.restore(moves)
        for p in self.payouts.values():
            if p["status"] in ("pending_approval", "processing"):
                balance = self.ledger.balances[p["currency"]]
                balance.pending += Decimal(p["amount"]) + total_fee(p)
