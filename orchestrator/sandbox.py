"""A local halfin over HTTP, to build and rehearse against; it moves no money."""

import asyncio
import contextlib
import html
import json
import math
import re
import secrets
import socket
import ssl
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from functools import wraps
from hmac import compare_digest
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from orchestrator.errors import SettleError
from orchestrator.halfin import CURRENCY_NETWORKS, EVENT_HEADER, SIGNATURE_HEADER, sign
from orchestrator.sandbox_core import (
    Book,
    Json,
    RailError,
    SandboxConfig,
    chance,
    invalid,
    money,
    public,
)

WEBHOOK_TIMEOUT_S = 15.0
WEBHOOK_MAX_DELAY_S = 60.0
PUBLIC_RATE_LIMIT = 120
MAX_BODY_BYTES = 32 * 1024 * 1024
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<title>halfin sandbox</title>
<style>
body {{ font: 15px system-ui; margin: 2rem; max-width: 60rem }}
table {{ border-collapse: collapse; margin-bottom: 2rem }}
td, th {{ padding: .2rem .8rem; text-align: left }}
</style>
<h1>halfin sandbox</h1>
<p>A rehearsal of the payout rail on this machine. No money moves.</p>
{tables}
</html>
"""


class Sandbox:
    """The rail at work: its books, the time that passes, and the webhooks it sends."""

    def __init__(self, config: SandboxConfig) -> None:
        if config.webhook_url and not config.webhook_secret:
            raise SettleError("the sandbox cannot sign webhooks: set HALFIN_WEBHOOK_SECRET")
        if config.webhook_url and not config.webhook_url.startswith(("http://", "https://")):
            raise SettleError(f"the webhook URL {config.webhook_url!r} must start with http://")
        self.config = config
        self.book = Book(config)
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)
        self._tasks: set[asyncio.Task[None]] = set()
        self._outbox: asyncio.Queue[Json] = asyncio.Queue()

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Resume what a restart interrupted, and stop cleanly at the end."""
        if self.config.webhook_url:
            tls = httpx.create_ssl_context()
            for _ in range(self.config.webhook_concurrency):
                self._start(self._deliver(tls))
        for delivery in self.book.deliveries:
            self._send_later(delivery, 0)
        self._start(self._settle(self.book.in_state("processing")))
        self.follow(self.book.in_state("pending_approval"))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.book.save()

    def follow(self, ids: list[str]) -> None:
        """Let time pass for these new payouts."""
        if self.config.auto_approve and ids:
            self._start(self._approve(ids))

    def release(self) -> int:
        """Do what the person on halfin's dashboard does; returns how many payouts moved on."""
        moved = self.book.approve(self.book.in_state("pending_approval"))
        self._start(self._settle(moved))
        return len(moved)

    def throttle(self, caller: str, limit: int) -> None:
        """Raise 429 when the caller's last `rate_window_s` is full; else count the call."""
        calls, at, window = self._calls[caller], time.monotonic(), self.config.rate_window_s
        while calls and calls[0] <= at - window:
            calls.popleft()
        if len(calls) >= limit:
            wait = max(1, math.ceil(calls[0] + window - at))
            raise RailError(429, "rate_limited", "Too many requests", retry_s=wait)
        calls.append(at)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _approve(self, ids: list[str]) -> None:
        await asyncio.sleep(self.config.approval_delay_s)
        await self._settle(self.book.approve(ids))

    async def _settle(self, ids: list[str]) -> None:
        if not ids:
            return
        await asyncio.sleep(self.config.processing_delay_s)
        webhooks = self.book.settle(ids)
        if self.config.webhook_url:
            for webhook in webhooks:
                for _ in range(2 if self.config.duplicate_webhooks else 1):
                    self._announce(dict(webhook))
        self.book.save()

    def _announce(self, delivery: Json) -> None:
        key = (delivery["event"], delivery["payout_id"])
        if chance(self.config.seed, "lost", *key) < self.config.drop_webhook_rate:
            delivery["state"] = "dropped"
        self.book.deliveries.append(delivery)
        self._send_later(delivery, self.config.webhook_delay_s)

    def _send_later(self, delivery: Json, delay_s: float) -> None:
        if delivery["state"] == "pending" and self.config.webhook_url:
            asyncio.get_running_loop().call_later(delay_s, self._outbox.put_nowait, delivery)

    async def _deliver(self, tls: ssl.SSLContext) -> None:
        # A client for each worker: one shared pool spends most of its time on looking after itself.
        async with httpx.AsyncClient(
            verify=tls, timeout=WEBHOOK_TIMEOUT_S, trust_env=False
        ) as http:
            while True:
                delivery = await self._outbox.get()
                delivery["attempts"] += 1
                if await self._is_received(http, delivery):
                    delivery["state"] = "acknowledged"
                elif delivery["attempts"] >= self.config.webhook_attempts:
                    delivery["state"] = "given_up"
                else:
                    delay_s = self.config.webhook_base_delay_s * 2 ** (delivery["attempts"] - 1)
                    self._send_later(delivery, min(delay_s, WEBHOOK_MAX_DELAY_S))

    async def _is_received(self, http: httpx.AsyncClient, delivery: Json) -> bool:
        body = self.book.webhook_body(delivery)
        headers = {
            "Content-Type": "application/json",
            EVENT_HEADER: delivery["event"],
            SIGNATURE_HEADER: sign(self.config.webhook_secret, int(time.time()), body),
        }
        try:
            answer = await http.post(self.config.webhook_url or "", content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivery["answer"] = type(error).__name__
            return False
        delivery["answer"] = str(answer.status_code)
        return answer.is_success


class Api:
    """The routes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.book, self.config = sandbox, sandbox.book, sandbox.config

    def routes(self) -> list[Route | Mount]:
        v1 = [
            Route("/currencies", self.currencies),
            Route("/payouts/batch", self._private(self.post_batch), methods=["POST"]),
            Route("/payouts/batch/{id}", self._private(self.get_batch)),
            Route("/payouts", self._private(self.post_payout), methods=["POST"]),
            Route("/payouts", self._private(self.list_payouts)),
            Route("/payouts/{id}", self._private(self.get_payout)),
            Route("/balances", self._private(self.balances)),
            Route("/balances/{currency}/ledger", self._private(self.ledger)),
        ]
        return [
            Mount("/api/v1", routes=v1),
            Route("/", self.page),
            Route("/healthz", self.healthz),
            Route("/sandbox/state", self.state),
            Route("/sandbox/release", self.release, methods=["POST"]),
        ]

    def _private(
        self, endpoint: Callable[[Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        @wraps(endpoint)
        async def checked(request: Request) -> Response:
            given = request.headers.get("X-API-Key", "").encode("latin-1", "replace")
            if not compare_digest(given, self.config.api_key.encode()):
                raise RailError(401, "unauthorized", "The API key is missing or not known")
            self.sandbox.throttle("key", self.config.rate_limit)
            return await endpoint(request)

        return checked

    async def post_batch(self, request: Request) -> Response:
        status, batch = self.book.submit_batch(await request.body())
        if status == 201:
            self.sandbox.follow(batch["payout_ids"])
        return success(self.book.batch_view(batch), status)

    async def post_payout(self, request: Request) -> Response:
        status, payout = self.book.submit_payout(await request.body())
        if status == 201:
            self.sandbox.follow([payout["id"]])
        return success(public(payout), status)

    async def get_batch(self, request: Request) -> Response:
        batch = self.book.batches.get(request.path_params["id"])
        if batch is None:
            raise RailError(404, "not_found", "No such batch")
        return success(self.book.batch_view(batch))

    async def get_payout(self, request: Request) -> Response:
        payout = self.book.payouts.get(request.path_params["id"])
        if payout is None:
            raise RailError(404, "not_found", "No such payout")
        return success(public(payout))

    async def list_payouts(self, request: Request) -> Response:
        return paged(request, list(self.book.payouts.values()), public)

    async def balances(self, request: Request) -> Response:
        fields = ("available", "pending", "total_received", "total_fees", "total_paid_out")
        return success(
            [
                {"currency": code, "network": CURRENCY_NETWORKS[code]}
                | {"environment": self.book.environment}
                | {name: money(getattr(balance, name)) for name in fields}
                for code, balance in self.book.balances.items()
            ]
        )

    async def ledger(self, request: Request) -> Response:
        code = request.path_params["currency"]
        if code not in self.book.balances:
            raise RailError(404, "not_found", "No such currency")
        return paged(request, [row for row in self.book.ledger if row["currency"] == code], dict)

    async def currencies(self, request: Request) -> Response:
        self.sandbox.throttle(request.client.host if request.client else "", PUBLIC_RATE_LIMIT)
        return success([{"code": c, "network": n} for c, n in CURRENCY_NETWORKS.items()])

    async def healthz(self, request: Request) -> Response:
        return reply({"status": "ok"})

    async def release(self, request: Request) -> Response:
        return reply({"released": self.sandbox.release()})

    async def state(self, request: Request) -> Response:
        return reply(self._counters())

    def _counters(self) -> Json:
        deliveries = Counter(d["state"] for d in self.book.deliveries)
        return {
            "batches": len(self.book.batches),
            "payouts": len(self.book.payouts),
            "by_status": Counter(p["status"] for p in self.book.payouts.values()),
            "idempotency_keys": len(self.book.keys),
            "webhooks": {
                "sent": sum(d["attempts"] for d in self.book.deliveries),
                **{s: deliveries[s] for s in ("acknowledged", "pending", "given_up", "dropped")},
            },
        }

    async def page(self, request: Request) -> Response:
        counters = self._counters()
        batches = [
            (b["created_at"], b["idempotency_key"], len(b["payout_ids"]))
            for b in reversed(self.book.batches.values())
        ]
        webhooks = [
            (d["created_at"], d["event"], d["payout_id"], d["attempts"], d.get("answer", ""))
            for d in reversed(self.book.deliveries[-20:])
        ]
        tables = [
            table("Payouts", ("Status", "Count"), list(counters["by_status"].items())),
            table("Batches", ("Created", "Key", "Payouts"), batches[:20]),
            table("Webhooks", ("State", "Count"), list(counters["webhooks"].items())),
            table("Latest", ("Created", "Event", "Payout", "Attempts", "Answer"), webhooks),
        ]
        return HTMLResponse(PAGE.format(tables="".join(tables)))


class Faults:
    """What goes wrong between us and a rail, on request: errors, delays, lost and cut answers."""

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


class _Connection(H11Protocol):
    """Lets the app hang up on the caller, which ASGI itself has no word for."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def reply(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    # Kept to ASCII: a lone surrogate in somebody's metadata has no UTF-8.
    return Response(json.dumps(content), status, headers, "application/json")


def success(data: Any, status: int = 200, meta: Json | None = None) -> Response:
    return reply({"data": data, "meta": _meta() | (meta or {})}, status)


def refusal(error: RailError) -> Response:
    headers = {"Retry-After": str(error.retry_s)} if error.retry_s else None
    shown = {"code": error.code, "message": error.message, "details": error.details}
    return reply({"error": shown, "meta": _meta()}, error.status, headers)


def paged(request: Request, rows: Sequence[Json], show: Callable[[Json], Json]) -> Response:
    """The newest rows first, `limit` (1 to 100) from `offset` on."""
    limit, offset = request.query_params.get("limit", "20"), request.query_params.get("offset", "0")
    if not re.fullmatch("[0-9]{1,9}", limit) or not 1 <= int(limit) <= 100:
        raise invalid(["limit: must be 1 to 100"])
    if not re.fullmatch("[0-9]{1,9}", offset):
        raise invalid(["offset: must be 0 or more"])
    first, last = int(offset), int(offset) + int(limit)
    found = [show(row) for row in rows[::-1][first:last]]
    page = {"total": len(rows), "limit": int(limit), "offset": first, "has_more": last < len(rows)}
    return success(found, meta={"pagination": page})


def _meta() -> Json:
    return {"request_id": f"req_{secrets.token_hex(12)}"}


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    def cells(tag: str, values: Sequence[object]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(str(v))}</{tag}>" for v in values) + "</tr>"

    body = "".join(cells("td", row) for row in rows)
    return f"<h2>{title}</h2><table>{cells('th', columns)}{body}</table>"


async def _on_refusal(request: Request, error: Exception) -> Response:
    if isinstance(error, RailError):
        return refusal(error)
    if isinstance(error, HTTPException):
        code = "not_found" if error.status_code == 404 else "validation_error"
        return refusal(RailError(error.status_code, code, error.detail))
    return refusal(RailError(500, "internal_error", "The sandbox itself failed; see its log"))


def create_app(config: SandboxConfig) -> Starlette:
    """The rail as an ASGI app; raises SettleError where the configuration cannot work.

    The lost and cut answers need the connection class of `serve` and `running`.
    """
    sandbox = Sandbox(config)
    return Starlette(
        routes=Api(sandbox).routes(),
        middleware=[Middleware(Faults, config=config)],
        exception_handlers=dict.fromkeys((RailError, HTTPException, Exception), _on_refusal),
        lifespan=sandbox.running,
        max_body_size=MAX_BODY_BYTES,
    )


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise SettleError(
            f"the sandbox cannot listen on {host}:{port} ({error.strerror}):"
            " stop what runs there, or choose another port with --port"
        ) from None
    return listener


def _server(config: SandboxConfig) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            http=_Connection,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=2,
        )
    )


def serve(
    config: SandboxConfig,
    host: str = "127.0.0.1",
    port: int = 8377,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until interrupted. `on_ready` is given the base URL once the port is ours."""
    server = _server(config)
    with _listen(host, port) as listener, contextlib.suppress(KeyboardInterrupt):
        if on_ready:
            on_ready(f"http://{host}:{listener.getsockname()[1]}/api")
        server.run(sockets=[listener])


@contextlib.contextmanager
def running(config: SandboxConfig, port: int = 0) -> Iterator[str]:
    """The sandbox in a thread of this process, on loopback; yields the base URL for the client."""
    server = _server(config)
    with _listen("127.0.0.1", port) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while thread.is_alive() and not server.started:
            time.sleep(0.005)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/api"
        finally:
            server.should_exit = True
            thread.join(timeout=10)
