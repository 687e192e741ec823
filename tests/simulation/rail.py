"""A hostile rail: the sandbox's own books behind a network that drops, repeats, delays and lies.

It stands where HTTP would be, beneath the real client. What it took and what it paid is the truth
that the invariants compare ours with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from orchestrator.halfin import CURRENCY_NETWORKS
from orchestrator.halfin_sandbox.book import OPEN_STATES, Book
from orchestrator.halfin_sandbox.config import SandboxConfig
from orchestrator.halfin_sandbox.errors import RailError, invalid
from orchestrator.halfin_sandbox.payouts import announced, money, public
from tests.halfin.sandbox import KEY, SIGNING
from tests.simulation.killable import Program

Json = dict[str, Any]

# What becomes of a POST. `lost` was taken, and the answer is not heard; `cut` breaks off in the
# middle of it; `late` is taken some other day; `gone` was never read. The rest took nothing.
FAULTS = ("lost", "cut", "late", "gone", "silent", "429", "500", "500 after", "503")
STRANGE = ("400", "401", "403", "404", "409")
STRANGE_CODES = {"401": "unauthorized", "403": "forbidden", "404": "not_found", "409": "conflict"}


@dataclass
class Call:
    """A POST as the rail saw it."""

    path: str
    body: bytes
    fault: str
    is_taken: bool = False

    @property
    def payouts(self) -> list[Json]:
        found: Json = json.loads(self.body)
        return found.get("payouts", [found])


@dataclass
class Rail(httpx.BaseTransport):
    """One rail for one history. `moods` are the chances of a fault and of a strange answer.

    `refused` is a seller whose payouts it does not like, and names.
    """

    seed: int
    rng: Random
    moods: tuple[float, float] = (0.0, 0.0)
    refused: str | None = None
    program: Program | None = None
    on_post: Callable[[Call], None] = lambda call: None
    calls: list[Call] = field(default_factory=list)
    delayed: list[Call] = field(default_factory=list)  # calls on their way
    waiting: list[Json] = field(default_factory=list)  # webhooks on theirs
    finished_after_all: set[str] = field(default_factory=set)
    shown_failed: set[str] = field(default_factory=set)  # to whoever asked

    def __post_init__(self) -> None:
        self.book = Book(
            SandboxConfig(
                api_key=KEY,
                webhook_secret=SIGNING,
                seed=self.seed,
                failure_rate=0.15,
                completed_after_failed_rate=0.15,
            )
        )

    # The network.

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if self.program:
            self.program.step()
        answer = self._post(request) if request.method == "POST" else self._get(request)
        if self.program:
            self.program.step()
        return answer

    def _post(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        path = request.url.path.removeprefix("/api")
        call = Call(path, body, self._fault())
        self.calls.append(call)
        self.on_post(call)
        match call.fault:
            case "gone":
                raise httpx.ConnectError("the network is down", request=request)
            case "late":
                self.delayed.append(call)
                raise httpx.ReadTimeout("no answer yet", request=request)
            case "silent":
                raise httpx.ReadTimeout("no answer", request=request)
            case "429":
                return _refusal(RailError(429, "rate_limited", "Slow down"))
            case "500" | "503":
                return _refusal(RailError(int(call.fault), "internal_error", "Try again"))
            case "400":
                return _refusal(
                    RailError(
                        400,
                        "validation_error",
                        "The request has a problem",
                        ["payouts[0].destination: is not accepted"],
                    )
                )
            case fault if fault in STRANGE_CODES:
                return _refusal(RailError(int(fault), STRANGE_CODES[fault], "Not like this"))
        answer = self._take(call)
        match call.fault:
            case "lost":
                raise httpx.ReadTimeout("the answer is lost", request=request)
            case "cut":
                return httpx.Response(answer.status_code, content=answer.content[:-9])
            case "500 after":
                return _refusal(RailError(500, "internal_error", "Try again"))
        return answer

    def _fault(self) -> str:
        luck, (fault, strange) = self.rng.random(), self.moods
        last = self.calls[-1].fault if self.calls else ""
        if last in FAULTS and fault and luck < 0.5:
            return last  # a network that is down is down for a while
        if luck < strange:
            return self.rng.choice(STRANGE)
        return self.rng.choice(FAULTS) if luck < strange + fault else ""

    def _take(self, call: Call) -> httpx.Response:
        content, digest = json.loads(call.body), hashlib.sha256(call.body).hexdigest()
        refused = [
            f"payouts[{n}].destination: is not served"
            for n, payout in enumerate(call.payouts)
            if payout["metadata"]["seller_id"] == self.refused
        ]
        try:
            if refused:
                raise invalid(refused)
            if "payouts" in content:
                status, batch = self.book.submit_batch(content, digest)
                shown = self.book.batch_view(batch)
            else:
                status, payout = self.book.submit_payout(content, digest)
                shown = public(payout)
        except RailError as error:
            return _refusal(error)
        call.is_taken = True
        return _success(shown, status)

    def _get(self, request: httpx.Request) -> httpx.Response:
        if self.rng.random() < self.moods[0] / 2:
            raise httpx.ReadTimeout("no answer", request=request)
        match request.url.path.removeprefix("/api/v1/").split("/"):
            case ["currencies"]:
                return _success([{"code": c, "network": n} for c, n in CURRENCY_NETWORKS.items()])
            case ["balances"]:
                return _success([self._balance(code) for code in CURRENCY_NETWORKS])
            case ["balances", code, "ledger"]:
                rows = self.book.ledger.by_currency[code][::-1]
                first, limit = (int(request.url.params[name]) for name in ("offset", "limit"))
                more = {"has_more": len(rows) > first + limit}
                return _success(rows[first : first + limit], pagination=more)
            case ["payouts", "batch", known] if known in self.book.batches:
                return self._shown(self.book.batch_view(self.book.batches[known]))
            case ["payouts", known] if known in self.book.payouts:
                return self._shown(public(self.book.payouts[known]))
        return _refusal(RailError(404, "not_found", "No such thing"))

    def _shown(self, found: Json) -> httpx.Response:
        payouts = found.get("payouts", [found])
        self.shown_failed.update(p["id"] for p in payouts if p["status"] == "failed")
        return _success(found)

    def _balance(self, code: str) -> Json:
        names = ("available", "pending", "total_received", "total_fees", "total_paid_out")
        balance = self.book.ledger.balances[code]
        amounts = {name: money(getattr(balance, name)) for name in names}
        known = {"currency": code, "network": CURRENCY_NETWORKS[code]}
        return known | {"environment": self.book.environment} | amounts

    # What the rail does meanwhile.

    def work(self, share: float = 0.6) -> str:
        """Calls arrive; some payouts are released, some of those end, some complete after all."""
        arriving = [call for call in self.delayed if self.rng.random() < share]
        for call in arriving:
            self.delayed.remove(call)
            self._take(call)
        before = [p["id"] for p in self.book.in_order if p["status"] in OPEN_STATES]
        some = [payout for payout in before if self.rng.random() < share]
        self.book.approve(some)
        ended = [payout for payout in some if self.rng.random() < share]
        self.waiting += [self._webhook(event) for event in self.book.settle(ended)]
        failed = [
            p["id"]
            for p in self.book.in_order
            if p["status"] == "failed"
            and self.book.completes_after_all(p)
            and self.rng.random() < 0.2
        ]
        self.finished_after_all.update(failed)
        self.waiting += [self._webhook(event) for event in self.book.complete_after_all(failed)]
        return f"{len(arriving)} arrive, {len(ended)} end, {len(failed)} complete after all"

    def known_lines(self) -> set[str]:
        return {(payout["metadata"] or {}).get("line_id", "") for payout in self.book.in_order}

    def _webhook(self, event: Json) -> Json:
        data = event.get("data") or self.book.payouts[event["payout_id"]]
        shown = {name: event[name] for name in ("event", "type", "created_at") if name in event}
        return shown | {"data": announced(data)}


def _success(data: object, status: int = 200, **meta: object) -> httpx.Response:
    return httpx.Response(status, json={"data": data, "meta": {"request_id": "req_1", **meta}})


def _refusal(error: RailError) -> httpx.Response:
    shown = {"code": error.code, "message": error.message, "details": error.details}
    return httpx.Response(error.status, json={"error": shown, "meta": {"request_id": "req_1"}})
