"""What goes wrong between us and a rail, on request: errors, delays, lost and cut answers."""

import asyncio
from collections import Counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.sandbox.config import SandboxConfig, chance
from orchestrator.sandbox.envelope import refusal
from orchestrator.sandbox.errors import RailError


class Faults:
    """The middleware; each fault strikes by its rate and the seed."""

    def __init__(self, app: ASGIApp, config: SandboxConfig) -> None:
        self.app, self.config = app, config
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
        await asyncio.sleep(self.config.slow_s)
        for error, rate in (
            (RailError(429, "rate_limited", "Too many requests", retry_s=1), "error_rate_429"),
            (RailError(500, "internal_error", "Something broke"), "error_rate_500"),
            (RailError(503, "gate_offline", "The gate is offline"), "error_rate_503"),
        ):
            if self._strikes(rate, getattr(self.config, rate)):
                await refusal(error)(scope, receive, send)
                return
        messages: list[Message] = []

        async def hold(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, hold)
        is_taken = 200 <= messages[0]["status"] < 300
        is_lost = scope["method"] == "POST" and self._strikes(
            "lost", is_taken * self.config.accept_then_drop_rate
        )
        if not is_lost and not self._strikes("cut", is_taken * self.config.cut_body_rate):
            for message in messages:
                await send(message)
            return
        if not is_lost:
            body = messages[1]["body"]
            await send(messages[0])
            await send(
                {"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True}
            )
        scope["state"]["transport"].close()
        while (await receive())["type"] != "http.disconnect":
            pass


class Connection(H11Protocol):
    """Lets the app hang up on the caller, which ASGI itself has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}
