"""The routes of the local halfin: the rail's own under /api/v1, and the sandbox's beside them."""

import math
from collections.abc import Awaitable, Callable
from functools import wraps
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route

from orchestrator.halfin import CURRENCY_NETWORKS
from orchestrator.halfin_sandbox.calls import Calls, read_body
from orchestrator.halfin_sandbox.envelope import paged, reply, success
from orchestrator.halfin_sandbox.errors import RailError, invalid
from orchestrator.halfin_sandbox.lifecycle import Sandbox
from orchestrator.halfin_sandbox.page import counters, page
from orchestrator.halfin_sandbox.payouts import money, public
from orchestrator.halfin_sandbox.validation import parse
from orchestrator.network.moving_window import MovingWindow

PUBLIC_RATE_LIMIT = 120


class Api:
    """The routes."""

    def __init__(self, sandbox: Sandbox, calls: Calls) -> None:
        self.calls = calls
        self.sandbox, self.book, self.config = sandbox, sandbox.book, sandbox.config
        window_s = self.config.rate_window_s
        self._calls_of_key = MovingWindow(self.config.rate_limit, window_s)
        self._public_calls = MovingWindow(PUBLIC_RATE_LIMIT, window_s)

    def routes(self) -> list[Route | Mount]:
        v1 = [
            Route("/currencies", self.currencies),
            Route("/payouts/batch", self._private(self.post_batch, pays=True), methods=["POST"]),
            Route("/payouts/batch/{id}", self._private(self.get_batch)),
            Route("/payouts", self._private(self.post_payout, pays=True), methods=["POST"]),
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
            Route("/sandbox/calls", self.latest_calls),
            Route("/sandbox/release", self.release, methods=["POST"]),
            Route("/sandbox/test-event", self.test_event, methods=["POST"]),
        ]

    def _private(
        self, endpoint: Callable[[Request], Awaitable[Response]], *, pays: bool = False
    ) -> Callable[[Request], Awaitable[Response]]:
        @wraps(endpoint)
        async def checked(request: Request) -> Response:
            given = request.headers.get("X-API-Key", "").encode("latin-1", "replace")
            if not compare_digest(given, self.config.api_key.encode()):
                raise RailError(401, "unauthorized", "The API key is missing or not known")
            _limit(self._calls_of_key, "key")
            if pays and not self.config.can_pay:
                raise RailError(403, "forbidden", "The API key lacks payouts:write")
            return await endpoint(request)

        return checked

    async def post_batch(self, request: Request) -> Response:
        status, batch = self.book.submit_batch(*await read_body(request))
        answer = success(self.book.batch_view(batch), status)
        if status == 201:
            await self.sandbox.follow(batch["payout_ids"])
        return answer

    async def post_payout(self, request: Request) -> Response:
        status, payout = self.book.submit_payout(*await read_body(request))
        answer = success(public(payout), status)
        if status == 201:
            await self.sandbox.follow([payout["id"]])
        return answer

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
        return paged(request, self.book.in_order, public)

    async def balances(self, request: Request) -> Response:
        fields = ("available", "pending", "total_received", "total_fees", "total_paid_out")
        return success(
            [
                {"currency": code, "network": CURRENCY_NETWORKS[code]}
                | {"environment": self.book.environment}
                | {name: money(getattr(balance, name)) for name in fields}
                for code, balance in self.book.ledger.balances.items()
            ]
        )

    async def ledger(self, request: Request) -> Response:
        code = request.path_params["currency"]
        if code not in self.book.ledger.by_currency:
            raise RailError(404, "not_found", "No such currency")
        return paged(request, self.book.ledger.by_currency[code], dict)

    async def currencies(self, request: Request) -> Response:
        _limit(self._public_calls, request.client.host if request.client else "")
        return success([{"code": c, "network": n} for c, n in CURRENCY_NETWORKS.items()])

    async def healthz(self, request: Request) -> Response:
        return reply({"status": "ok"})

    async def release(self, request: Request) -> Response:
        raw = await request.body()
        ids = parse(raw).get("ids") if raw else None
        if raw and not (isinstance(ids, list) and all(isinstance(i, str) for i in ids)):
            raise invalid(["ids: must be a list of payout ids"])
        released = self.sandbox.release(ids)
        # The button on the page sends an empty form; its sender wants to see the page again.
        is_form = request.headers.get("Content-Type") == "application/x-www-form-urlencoded"
        return RedirectResponse("/", 303) if is_form else reply({"released": released})

    async def test_event(self, request: Request) -> Response:
        self.sandbox.send_test_event()
        return reply({"sent": 1})

    async def latest_calls(self, request: Request) -> Response:
        return reply(list(self.calls.latest))

    async def state(self, request: Request) -> Response:
        return reply(counters(self.book))

    async def page(self, request: Request) -> Response:
        return HTMLResponse(page(self.book, self.calls))


def _limit(window: MovingWindow, caller: str) -> None:
    """Count a call. Raises 429 when the caller's window is full."""
    seconds = window.count(caller)
    if seconds:
        raise RailError(429, "rate_limited", "Too many requests", retry_s=math.ceil(seconds))
