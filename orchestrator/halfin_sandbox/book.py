"""What the local halfin takes, pays and fails. No network, no waiting."""

import json
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from orchestrator.halfin_sandbox.config import chance
from orchestrator.halfin_sandbox.errors import RailError, invalid
from orchestrator.halfin_sandbox.payouts import (
    Json,
    as_completed,
    as_failed,
    as_returned,
    ended_in,
    event_of,
    money,
    new_payout,
    now,
    public,
    total_fee,
    totals,
)
from orchestrator.halfin_sandbox.records import OPEN_STATES, Records
from orchestrator.halfin_sandbox.validation import line_problems


class Book(Records):
    """What the rail does. A method does all it says, or raises RailError and does nothing."""

    def submit_batch(self, body: Json, digest: str) -> tuple[int, Json]:
        """Take all of a batch or nothing: 201, or 200 and the original for a repeat."""
        key, lines = body.get("idempotency_key"), body.get("payouts")
        if not isinstance(key, str) or not 1 <= len(key) <= 255:
            raise invalid(["idempotency_key: must be text of 1 to 255 characters"])
        if original := self._original(f"batch|{key}", digest):
            return 200, self.batches[original]
        if not isinstance(lines, list) or not 1 <= len(lines) <= self.config.max_lines:
            raise invalid([f"payouts: must be a list of 1 to {self.config.max_lines}"])
        bad = [found for n, line in enumerate(lines) if (found := self._problems(line, n))]
        if bad:
            named = bad[: self.config.most_named_lines or None]
            raise invalid([problem for found in named for problem in found])
        line_keys = Counter(filter(None, (line.get("idempotency_key") for line in lines)))
        if repeated := [k for k, n in line_keys.items() if n > 1]:
            raise invalid([f"payouts: idempotency_key {k} is used twice" for k in repeated])
        for line_key in line_keys:
            self._original(f"line|{line_key}", "part of a batch")
        payouts = self._create(lines, "")
        batch = {
            "id": self._uuid("batch", key),
            "idempotency_key": key,
            "created_at": payouts[0]["created_at"],
            "payout_ids": [p["id"] for p in payouts],
            "totals": totals(payouts),
        }
        self.batches[batch["id"]] = batch
        self._store.note("batches", batch["id"], batch)
        self._remember(f"batch|{key}", digest, batch["id"])
        self.commit()
        return 201, batch

    def submit_payout(self, body: Json, digest: str) -> tuple[int, Json]:
        """Take one payout: 201, or 200 and the original for a repeat."""
        if problems := self._problems(body):
            raise invalid(problems)
        key = body.get("idempotency_key")
        if key and (original := self._original(f"line|{key}", digest)):
            return 200, self.payouts[original]
        (payout,) = self._create([body], digest)
        self.commit()
        return 201, payout

    def batch_view(self, batch: Json) -> Json:
        payouts = [self.payouts[i] for i in batch["payout_ids"]]
        states = {p["status"] for p in payouts}
        open_states = [s for s in OPEN_STATES if s in states]
        return {
            "id": batch["id"],
            "status": open_states[0] if open_states else "completed",
            "idempotency_key": batch["idempotency_key"],
            "created_at": batch["created_at"],
            "payouts": [public(p) for p in payouts],
        }

    def approve(self, ids: Iterable[str]) -> list[str]:
        """Move the waiting ones of these on to the network; returns those that moved."""
        moved = [i for i in ids if self.payouts[i]["status"] == "pending_approval"]
        for i in moved:
            self._change(self.payouts[i], {"status": "processing", "executable_at": now()})
        return moved

    def settle(self, ids: Iterable[str]) -> list[Json]:
        """Complete or fail those that are on the network; returns the webhooks that follow."""
        seed, rate, webhooks = self.config.seed, self.config.failure_rate, []
        for payout in (p for i in ids if (p := self.payouts[i])["status"] == "processing"):
            self._hold_back(payout, -1)
            key = payout["idempotency_key"] or payout["id"]
            is_later = self.completes_after_all(payout)
            if chance(seed, "other", key) < self.config.other_state_rate:
                self._change(payout, ended_in(self.config.other_state))
                continue
            if is_later or chance(seed, "fail", key) < rate:
                self._change(payout, as_failed(chance(seed, "why", key)))
            else:
                self._complete(payout)
            # What a webhook tells of stays so, but here: it is kept as it is now.
            webhooks.append(event_of(payout) | ({"data": dict(payout)} if is_later else {}))
        return webhooks

    def completes_after_all(self, payout: Json) -> bool:
        """Whether this one fails first, and completes some time later."""
        key = payout["idempotency_key"] or payout["id"]
        return chance(self.config.seed, "later", key) < self.config.completed_after_failed_rate

    def complete_after_all(self, ids: Iterable[str]) -> list[Json]:
        """Complete those that have failed; returns the webhooks that follow."""
        late = [p for i in ids if (p := self.payouts[i])["status"] == "failed"]
        for payout in late:
            self._complete(payout)
        return [event_of(p) for p in late]

    def is_sent_back(self, payout: Json) -> bool:
        """Whether this one completes, and its receiver sends it back some time later."""
        key = payout["idempotency_key"] or payout["id"]
        return chance(self.config.seed, "returned", key) < self.config.returned_rate

    def send_back(self, ids: Iterable[str]) -> list[Json]:
        """Take back in those that have completed; returns the webhooks that follow."""
        webhooks = []
        for payout in (p for i in ids if (p := self.payouts[i])["status"] == "completed"):
            if payout.get("sent_back_at"):
                continue
            self._change(payout, as_returned(is_silent=self.config.is_return_silent))
            amount = Decimal(payout["amount"])
            self._post(payout["currency"], self.config.return_word, amount, payout["id"])
            if not self.config.is_return_silent:
                webhooks.append(event_of(payout))
        return webhooks

    def _uuid(self, *what: str) -> str:
        return str(uuid5(NAMESPACE_URL, json.dumps([self.config.seed, *what])))

    def _problems(self, line: Any, place: int | None = None) -> list[str]:
        """What is wrong with one payout request; the rail serves some destinations to nobody."""
        at = "" if place is None else f"payouts[{place}]"
        problems = line_problems(line, at)
        if not problems and self.is_refused(line["destination"]):
            problems = [f"{at}.destination: is not served".removeprefix(".")]
        return problems

    def is_refused(self, destination: str) -> bool:
        """Whether the rail refuses this destination, always."""
        rate = self.config.refused_destination_rate
        return chance(self.config.seed, "refused", destination) < rate

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
        for p in payouts:
            self._hold_back(p, 1)
            self.payouts[p["id"]] = p
            self.in_order.append(p)
            self._store.note("payouts", p["id"], p)
            if p["idempotency_key"]:
                self._remember(f"line|{p['idempotency_key']}", digest, p["id"])
        return payouts

    def _payout(self, line: Json, number: int, at: str) -> Json:
        key = line.get("idempotency_key")
        payout_id = self._uuid("key", key) if key else self._uuid("number", str(number))
        return new_payout(line, payout_id, self.environment, at)

    def _complete(self, payout: Json) -> None:
        self._change(payout, as_completed(payout))
        code, words = payout["currency"], self.config
        self._post(code, words.payout_word, -Decimal(payout["amount"]), payout["id"])
        self._post(code, words.fee_word, -total_fee(payout), payout["id"])
