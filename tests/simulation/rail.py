"""A hostile rail: the sandbox's own books behind a network that drops, repeats, delays and lies.

It stands where HTTP would be, beneath the real client. What it took and what it paid is the truth
that the invariants compare ours with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from orchestrator.halfin import CURRENCY_NETWORKS
from orchestrator.halfin_sandbox.book import Book
from orchestrator.halfin_sandbox.config import SandboxConfig
from orchestrator.halfin_sandbox.errors import RailError, invalid
from orchestrator.halfin_sandbox.payouts import announced, money, now, public
from orchestrator.halfin_sandbox.records import OPEN_STATES
from tests.halfin.sandbox import KEY, SIGNING
from tests.simulation.dice import Luck
from tests.simulation.killable import Program

Json = dict[str, Any]

# What becomes of a POST. `lost` was taken, and the answer is not heard; `cut` breaks off in the
# middle of it; `late` is taken some other day; `gone` was never read. The rest took nothing.
FAULTS = ("lost", "cut", "late", "gone", "silent", "429", "500", "500 after", "503")
STRANGE = ("400", "401", "403", "404", "409")
# How a payout may end, and where it may hang, without a word of that in the documentation.
ODD_ENDS = ("cancelled", "expired", "rejected", "returned", "reversed")
FAILED = ("failed", *ODD_ENDS)
HANGING = "in_review"
STRANGE_CODES = {"401": "unauthorized", "403": "forbidden", "404": "not_found", "409": "conflict"}


@dataclass
class Call:
    """A POST as the rail saw it."""

    path: str
    body: bytes
    fault: str
    is_taken: bool = False
    named: frozenset[str] = frozenset()  # the lines that its refusal names

    @property
    def key(self) -> str:
        found: Json = json.loads(self.body)
        return str(found["idempotency_key"])

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
    luck: Luck
    moods: tuple[float, float] = (0.0, 0.0)
    refused: str | None = None
    forgotten: int = 0  # calls that a restore has made us forget
    program: Program | None = None
    on_post: Callable[[Call], None] = lambda call: None
    calls: list[Call] = field(default_factory=list)
    delayed: list[Call] = field(default_factory=list)  # calls on their way
    waiting: list[Json] = field(default_factory=list)  # webhooks on theirs
    finished_after_all: set[str] = field(default_factory=set)
    shown_failed: set[str] = field(default_factory=set)  # to whoever asked
    shown_returned: set[str] = field(default_factory=set)
    shown_hanging: set[str] = field(default_factory=set)
    is_asked: bool = False  # by who acts upon what it then shows of a payout
    is_calm: bool = False
    is_rough: bool = False  # more fails, and more of that completes after all

    def __post_init__(self) -> None:
        self._config = SandboxConfig(
            api_key=KEY,
            webhook_secret=SIGNING,
            seed=self.seed,
            failure_rate=0.35 if self.is_rough else 0.15,
            completed_after_failed_rate=0.7 if self.is_rough else 0.25,
        )
        self.book = Book(self._config)

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
                call.named = frozenset([call.payouts[0]["metadata"]["line_id"]])
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
        dice, (fault, strange) = self.luck("what becomes of a call"), self.moods
        luck, another, odd = dice.random(), dice.choice(FAULTS), dice.choice(STRANGE)
        last = self.calls[-1].fault if self.calls else ""
        if last in FAULTS and fault and luck < 0.5:
            return last  # a network that is down is down for a while
        if luck < strange:
            return odd
        return another if luck < strange + fault else ""

    def _take(self, call: Call) -> httpx.Response:
        content, digest = json.loads(call.body), hashlib.sha256(call.body).hexdigest()
        refused = {
            n: payout["metadata"]["line_id"]
            for n, payout in enumerate(call.payouts)
            if payout["metadata"]["seller_id"] == self.refused
        }
        try:
            if refused:
                call.named = frozenset(refused.values())
                raise invalid([f"payouts[{n}].destination: is not served" for n in refused])
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
        if self.luck("an unanswered question").random() < self.moods[0] / 2:
            raise httpx.ReadTimeout("no answer", request=request)
        match request.url.path.removeprefix("/api/v1/").split("/"):
            case ["currencies"]:
                return _success([{"code": c, "network": n} for c, n in CURRENCY_NETWORKS.items()])
            case ["balances"]:
                return _success([self._balance(code) for code in CURRENCY_NETWORKS])
            case ["balances", code, "ledger"]:
                self.is_asked = True  # a pay, too, asks about what the ledger shows and no line has
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
        payouts = found.get("payouts", [found]) if self.is_asked else []
        for known in (self.book.payouts[payout["id"]] for payout in payouts):
            if known["status"] in FAILED:
                shown = self.shown_returned if known.get("sent_back_at") else self.shown_failed
                shown.add(known["id"])
            elif known["status"] == HANGING:
                self.shown_hanging.add(known["id"])
        return _success(found)

    def _balance(self, code: str) -> Json:
        names = ("available", "pending", "total_received", "total_fees", "total_paid_out")
        balance = self.book.ledger.balances[code]
        amounts = {name: money(getattr(balance, name)) for name in names}
        known = {"currency": code, "network": CURRENCY_NETWORKS[code]}
        return known | {"environment": self.book.environment} | amounts

    def has_refused(self, key: str, line_id: str) -> bool:
        """Whether it took no call of this key, and refused one without naming this line.

        That it took one before a restore, nobody here knows: then the line's own key counts.
        """
        known = [call for call in self.calls[self.forgotten :] if call.key == key]
        return not any(call.is_taken for call in known) and any(
            call.named and line_id not in call.named for call in known
        )

    # What the rail does meanwhile.

    def work(self, share: float = 0.6) -> str:
        """Calls arrive; payouts move on, end, end oddly, complete after all, or are sent back."""
        arrives, moves, later = map(self.luck, ("calls arrive", "payouts move", "after all"))
        arriving = [call for call in self.delayed if arrives.random() < share]
        for call in arriving:
            self.delayed.remove(call)
            self._take(call)
        before = [p["id"] for p in self.book.in_order if p["status"] in OPEN_STATES]
        some = [payout for payout in before if moves.random() < share]
        self.book.approve(some)
        ended = [payout for payout in some if moves.random() < share]
        odd = self._odd_ends(ended)
        self._tell(self.book.settle([payout for payout in ended if payout not in odd]))
        failed = [
            p["id"]
            for p in self.book.in_order
            if p["status"] == "failed"
            and not p.get("sent_back_at")
            and self.book.completes_after_all(p)
            and later.random() < 0.5
        ]
        self.finished_after_all.update(failed)
        self._tell(self.book.complete_after_all(failed))
        return (
            f"{len(arriving)} arrive, {len(ended)} end, {len(failed)} complete after all;"
            f" {self._send_back()} are sent back; {self._go_on(share)} go on"
        )

    def _odd_ends(self, ended: list[str]) -> set[str]:
        """Some are cancelled or the like, which the documentation does not name; some hang."""
        luck, odd = self.luck("odd ends"), set()
        for payout in ended:
            chance, state, is_told = luck.random(), luck.choice(ODD_ENDS), luck.random() < 0.5
            if self.is_calm or chance > 0.3:
                continue
            odd.add(payout)
            if chance < 0.15:
                self.book.config = replace(self._config, other_state=state, other_state_rate=1.0)
                self.book.settle([payout])
                self.book.config = self._config
                told = {"event": f"payout.{state}", "payout_id": payout, "created_at": now()}
                self._tell([told] if is_told else [])
            else:
                self.book.payouts[payout]["status"] = HANGING
        return odd

    def _send_back(self) -> int:
        """Some receivers send it back; of half of these the ledger alone tells."""
        luck, count = self.luck("sent back"), 0
        for payout in self.book.in_order:
            if payout["status"] != "completed" or payout.get("sent_back_at"):
                continue
            chance, is_silent = luck.random(), luck.random() < 0.5
            if chance < 0.2 and not self.is_calm:
                self.book.config = replace(self._config, is_return_silent=is_silent)
                self._tell(self.book.send_back([payout["id"]]))
                self.book.config = self._config
                count += 1
        return count

    def _go_on(self, share: float) -> int:
        """What hung in a state that nobody knows is on its way again."""
        luck = self.luck("what hangs goes on")
        hanging = [p for p in self.book.in_order if p["status"] == HANGING]
        going = [p for p in hanging if luck.random() < share / 3 or self.is_calm]
        for payout in going:
            payout["status"] = "processing"
        return len(going)

    def _tell(self, events: list[Json]) -> None:
        self.waiting += [self._webhook(event) for event in events]

    def finish(self, payout_id: str) -> Json:
        """What has no end yet comes to it, as somebody has asked for it."""
        payout = self.book.payouts[payout_id]
        if payout["status"] == HANGING:
            payout["status"] = "processing"
        self.book.approve([payout_id])
        self._tell(self.book.settle([payout_id]))
        return payout

    def is_paid(self, payout: Json) -> bool:
        """By its own books: it left, and has not come back."""
        return payout["status"] == "completed" and not payout.get("sent_back_at")

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
