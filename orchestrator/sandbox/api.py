"""The routes of the local halfin: the rail's own under /api/v1, and the sandbox's beside them."""

from collections.abc import Awaitable, Callable
from functools import wraps
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route

from orchestrator.halfin import CURRENCY_NETWORKS
from orchestrator.sandbox.envelope import paged, reply, success
from orchestrator.sandbox.errors import RailError
from orchestrator.sandbox.lifecycle import Sandbox
from orchestrator.sandbox.page import counters, page
from orchestrator.sandbox.payouts import money, public
from orchestrator.sandbox.throttle import Throttle

PUBLIC_RATE_LIMIT = 120


class Api:
    """The routes."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.book, self.config = sandbox, sandbox.book, sandbox.config
        self._throttle = Throttle(sandbox.config.rate_window_s)

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
            self._throttle.count("key", self.config.rate_limit)
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
                for code, balance in self.book.ledger.balances.items()
            ]
        )

    async def ledger(self, request: Request) -> Response:
        code = request.path_params["currency"]
        if code not in self.book.ledger.balances:
            raise RailError(404, "not_found", "No such currency")
        rows = [row for row in self.book.ledger.rows if row["currency"] == code]
        return paged(request, rows, dict)

    async def currencies(self, request: Request) -> Response:
        self._throttle.count(request.client.host if request.client else "", PUBLIC_RATE_LIMIT)
        return success([{"code": c, "network": n} for c, n in CURRENCY_NETWORKS.items()])

    async def healthz(self, request: Request) -> Response:
        return reply({"status": "ok"})

    async def release(self, request: Request) -> Response:
        return reply({"released": self.sandbox.release()})

    async def state(self, request: Request) -> Response:
        return reply(counters(self.book))

    async def page(self, request: Request) -> Response:
        return HTMLResponse(page(self.book))
