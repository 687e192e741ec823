"""The books of the local halfin: what it takes, pays and fails. No network, no waiting."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias
from uuid import NAMESPACE_URL, uuid5

import base58
from eth_utils.address import is_checksum_address

from orchestrator.errors import SettleError
from orchestrator.halfin import CURRENCY_NETWORKS, key_environment

Json: TypeAlias = dict[str, Any]

# Charged on top of the amount, in its currency: the rail's own share, and the network's.
FEE_RATE = Decimal("0.001")
NETWORK_FEES = {"TRON": Decimal("1"), "ETHEREUM": Decimal("2.4"), "SOLANA": Decimal("0.01")}
FAILURES = (
    ("destination_rejected", "The destination refused the transfer"),
    ("destination_frozen", "The token's issuer has frozen the destination"),
    ("network_error", "The network dropped the transaction"),
    ("network_congested", "The network fee rose above the limit"),
)
LIMITS = {  # field -> must it be there, and its most characters
    "currency": (True, 20),
    "amount": (True, 50),
    "destination": (True, 256),
    "destination_tag": (False, 256),
    "description": (False, 1000),
    "idempotency_key": (False, 255),
}
MAX_METADATA_KEYS = 50
ONLY_IN_WEBHOOKS = ("metadata", "failure_code", "failure_reason")


@dataclass(frozen=True)
class SandboxConfig:
    """How the local halfin behaves. Rates are 0 to 1 and decided by `seed`: a run repeats itself.

    Without `auto_approve` payouts wait for POST /sandbox/release, as they wait for a person on
    halfin's dashboard. `fault_limit` ends each kind of HTTP fault after that many. `state_file`
    keeps the books over a restart.
    """

    api_key: str = field(repr=False)
    webhook_url: str | None = None
    webhook_secret: str = field(default="", repr=False)
    seed: int = 1
    opening_balance: Decimal = Decimal(100_000_000)
    max_lines: int = 10_000
    rate_limit: int = 300
    rate_window_s: float = 60.0
    auto_approve: bool = True
    approval_delay_s: float = 0.2
    processing_delay_s: float = 0.2
    failure_rate: float = 0.0
    webhook_attempts: int = 10
    webhook_base_delay_s: float = 0.5
    webhook_concurrency: int = 16
    state_file: Path | None = None
    # Faults.
    error_rate_429: float = 0.0
    error_rate_500: float = 0.0
    error_rate_503: float = 0.0
    slow_s: float = 0.0
    accept_then_drop_rate: float = 0.0
    cut_body_rate: float = 0.0
    duplicate_webhooks: bool = False
    webhook_delay_s: float = 0.0
    drop_webhook_rate: float = 0.0
    fault_limit: int | None = None


class RailError(Exception):
    """A refusal, in the words of the rail's error envelope."""

    def __init__(
        self, status: int, code: str, message: str, details: Iterable[str] = (), retry_s: int = 0
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.details, self.retry_s = list(details), retry_s


def invalid(problems: Sequence[str]) -> RailError:
    message = f"The request has {len(problems)} problem(s); nothing was created"
    return RailError(400, "validation_error", message, problems)


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


def chance(seed: int, *what: object) -> float:
    """A number in [0, 1) that is always the same for the same arguments."""
    text = "|".join(map(str, (seed, *what))).encode("utf-8", "replace")
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) / 2**64


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def money(amount: Decimal) -> str:
    return f"{amount:.6f}"


def public(payout: Json) -> Json:
    """A payout as the API documents it."""
    return {k: v for k, v in payout.items() if k not in ONLY_IN_WEBHOOKS}


def is_address(network: str, destination: str) -> bool:
    """Whether the form and the checksum are those of the network."""
    if network == "ETHEREUM":
        return is_checksum_address(destination)
    # The library drops white space at the end; a rail does not.
    if not re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{25,50}", destination):
        return False
    if network == "SOLANA":
        return len(base58.b58decode(destination)) == 32
    try:
        raw = base58.b58decode_check(destination)
    except ValueError:
        return False
    return len(raw) == 21 and raw[0] == 0x41


def line_problems(line: Any, at: str) -> list[str]:
    """What is wrong with one payout request, each as `path.field: reason`."""
    if not isinstance(line, dict):
        return [f"{at or 'body'}: must be an object"]
    found = {}
    for name, (is_required, most) in LIMITS.items():
        value = line.get(name)
        if value is None and not is_required:
            continue
        if not isinstance(value, str) or len(value) > most or (is_required and not value):
            found[name] = f"must be text of at most {most} characters"
    metadata = line.get("metadata")
    if metadata is not None and (
        not isinstance(metadata, dict) or len(metadata) > MAX_METADATA_KEYS
    ):
        found["metadata"] = f"must be an object of at most {MAX_METADATA_KEYS} keys"
    if not found:
        amount, network = line["amount"], CURRENCY_NETWORKS.get(line["currency"])
        if not re.fullmatch(r"[0-9]{1,15}(\.[0-9]{1,6})?", amount) or not Decimal(amount):
            found["amount"] = "must be above 0, with at most 6 decimals"
        if network is None:
            found["currency"] = f"{line['currency']} is not known"
        elif not is_address(network, line["destination"]):
            found["destination"] = f"is not a valid {network} address"
    return [f"{at}.{name}: {why}" if at else f"{name}: {why}" for name, why in found.items()]


def parse(raw: bytes) -> Json:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise invalid(["body: must be a JSON object"])
    return body


class Book:
    """Everything the rail knows. A method does all it says, or raises RailError and does nothing.

    All but the balances is plain JSON, so that it can be written out as it stands.
    """

    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.environment = key_environment(config.api_key)
        self.payouts: dict[str, Json] = {}
        self.batches: dict[str, Json] = {}
        self.keys: dict[str, list[str]] = {}  # kind and key -> digest of the request, id
        self.ledger: list[Json] = []
        self.deliveries: list[Json] = []
        self.balances = {code: Balance() for code in CURRENCY_NETWORKS}
        if config.state_file is not None and config.state_file.exists():
            self._load(config.state_file)
        else:
            for code in CURRENCY_NETWORKS:
                self._book(code, "deposit", config.opening_balance)

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
            amount, fee = Decimal(payout["amount"]), _fee(payout)
            self.balances[code].pending -= amount + fee
            if chance(seed, "fail", key) < self.config.failure_rate:
                why = FAILURES[int(chance(seed, "why", key) * len(FAILURES))]
                payout |= {"status": "failed", "network_fee": money(Decimal(0))}
                payout |= {"fee_amount": money(Decimal(0))}
                payout |= {"failure_code": why[0], "failure_reason": why[1]}
            else:
                payout |= {"status": "completed", "completed_at": at, "tx_hash": _tx_hash(payout)}
                self._book(code, "payout", -amount, payout["id"])
                self._book(code, "fee", -fee, payout["id"])
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
        needed: dict[str, Decimal] = dict.fromkeys(self.balances, Decimal(0))
        for p in payouts:
            needed[p["currency"]] += Decimal(p["amount"]) + _fee(p)
        short = [
            f"{code}: needs {money(n)}, available {money(self.balances[code].available)}"
            for code, n in needed.items()
            if n > self.balances[code].available
        ]
        if short:
            raise RailError(400, "invalid_state", "The balance does not cover the total", short)
        for code, n in needed.items():
            self.balances[code].pending += n
        for p in payouts:
            self.payouts[p["id"]] = p
            if p["idempotency_key"]:
                self.keys[f"line|{p['idempotency_key']}"] = [digest, p["id"]]
        return payouts

    def _payout(self, line: Json, number: int, at: str) -> Json:
        key, amount = line.get("idempotency_key") or None, Decimal(line["amount"])
        network = CURRENCY_NETWORKS[line["currency"]]
        return {
            "id": self._uuid("key", key) if key else self._uuid("number", str(number)),
            "currency": line["currency"],
            "network": network,
            "amount": money(amount),
            "amount_in_base_currency": f"{amount:.2f}",
            "network_fee": money(NETWORK_FEES[network]),
            "fee_amount": money(amount * FEE_RATE),
            "destination": line["destination"],
            "destination_tag": line.get("destination_tag"),
            "status": "pending_approval",
            "environment": self.environment,
            "tx_hash": None,
            "idempotency_key": key,
            "description": line.get("description"),
            "executable_at": None,
            "completed_at": None,
            "created_at": at,
            "metadata": line.get("metadata"),
        }

    def _book(self, code: str, kind: str, amount: Decimal, payout_id: str | None = None) -> None:
        row: Json = {"id": len(self.ledger) + 1, "type": kind, "currency": code}
        row |= {"amount": money(amount), "payout_id": payout_id, "created_at": now()}
        self._apply(row)
        self.ledger.append(row | {"balance": money(self.balances[code].total)})

    def _apply(self, row: Json) -> None:
        balance, amount = self.balances[row["currency"]], Decimal(row["amount"])
        if row["type"] == "deposit":
            balance.total_received += amount
        elif row["type"] == "payout":
            balance.total_paid_out -= amount
        else:
            balance.total_fees -= amount

    def save(self) -> None:
        """Write the books to the state file, whole or not at all."""
        if (path := self.config.state_file) is None:
            return
        parts = ("payouts", "batches", "keys", "ledger", "deliveries")
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.new")
        draft.write_text(json.dumps({part: getattr(self, part) for part in parts}))
        draft.replace(path)

    def _load(self, path: Path) -> None:
        try:
            state = json.loads(path.read_bytes())
            self.payouts, self.batches = state["payouts"], state["batches"]
            self.keys, self.ledger = state["keys"], state["ledger"]
            self.deliveries = state["deliveries"]
        except (OSError, ValueError, KeyError) as error:
            raise SettleError(
                f"the sandbox's books in {path} cannot be read ({error}): repair or remove the file"
            ) from None
        for row in self.ledger:
            self._apply(row)
        for p in self.payouts.values():
            if p["status"] in ("pending_approval", "processing"):
                self.balances[p["currency"]].pending += Decimal(p["amount"]) + _fee(p)


def _fee(payout: Json) -> Decimal:
    return Decimal(payout["network_fee"]) + Decimal(payout["fee_amount"])


def _tx_hash(payout: Json) -> str:
    """Made up, but of the network's form."""
    digest = hashlib.sha512(payout["id"].encode()).digest()
    if payout["network"] == "SOLANA":
        return base58.b58encode(digest).decode()
    return ("0x" if payout["network"] == "ETHEREUM" else "") + digest[:32].hex()
