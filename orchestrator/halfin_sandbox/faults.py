"""What goes wrong between us and a rail, on request: errors, delays, lost and cut answers."""

import asyncio
from collections import Counter

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.halfin_sandbox.calls import Calls, note_body
from orchestrator.halfin_sandbox.config import SandboxConfig, chance
from orchestrator.halfin_sandbox.envelope import refusal
from orchestrator.halfin_sandbox.errors import RailError

REFUSALS = {
    429: RailError(429, "rate_limited", "Too many requests", retry_s=1),
    500: RailError(500, "internal_error", "Something broke"),
    503: RailError(503, "gate_offline", "The gate is offline"),
}


class Faults:
    """The middleware; each fault strikes by its rate and the seed, and each call is noted."""

    def __init__(self, app: ASGIApp, config: SandboxConfig, calls: Calls) -> None:
        self.app, self.config, self.calls = app, config, calls
        self._calls: Counter[str] = Counter()
        self._hits: Counter[str] = Counter()

    def _strikes(self, name: str, rate: float) -> bool:
        limit = self.config.fault_limit
        if limit is not None and self._hits[name] >= limit:
            return False
        self._calls[name] += 1
        is_hit = chance(self.config.seed, name, self._calls[name]) < rate
        self._hits[name] += is_hit
        return is_hit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/"):
            await self.app(scope, receive, send)
            return
        request = Request(scope, receive)
        call = self.calls.begin(request)
        faults = []
        if self.config.slow_s and self._strikes("slow", self.config.slow_rate):
            faults.append("slow")
        messages: list[Message] = []

        async def hold(message: Message) -> None:
            messages.append(message)

        for status, error in REFUSALS.items():
            name = f"error_rate_{status}"
            if self._strikes(name, getattr(self.config, name)):
                await note_body(request)
                await refusal(error)(scope, receive, hold)
                faults.append(str(status))
                break
        else:
            await self.app(scope, receive, hold)
            faults += self._after(scope["method"], messages[0]["status"])
        call |= {"status": messages[0]["status"], "fault": ", ".join(faults) or None}
        if call["body_sha256"] and call["status"] in (200, 201):
            call["is_repeated"] = call["status"] == 200
        # What is slow is the answer: a caller who gives up has been heard all the same.
        if "slow" in faults:
            await asyncio.sleep(self.config.slow_s)
        await self._answer(scope, receive, send, messages, faults)

    def _after(self, method: str, status: int) -> list[str]:
        """What happens to the answer of a call that has been taken."""
        is_taken = 200 <= status < 300
        if method == "POST" and self._strikes("lost", is_taken * self.config.accept_then_drop_rate):
            return ["lost"]
        return ["cut"] if self._strikes("cut", is_taken * self.config.cut_body_rate) else []

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, messages: list[Message], faults: list[str]
    ) -> None:
        if not {"lost", "cut"} & set(faults):
            for message in messages:
                await send(message)
            return
        if "cut" in faults:
            head, body = messages[0], messages[1]["body"]
            half = {"type": "http.response.body", "body": body[: len(body) // 2]}
            await send(head)
            await send(half | {"more_body": True})
        scope["state"]["transport"].close()
        while (await receive())["type"] != "http.disconnect":
            pass


class Connection(H11Protocol):
    """Lets the app hang up on the caller, which ASGI itself has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
