"""The webhook receiver: check the signature, insert the raw body, answer.

The database does the rest: a trigger of the owner reads the event and moves the line.
"""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import psycopg
import uvicorn
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.halfin.factory import webhook_secrets
from orchestrator.halfin.signature import SIGNATURE_HEADER, verify
from orchestrator.net import listening_socket
from orchestrator.web.app import create_pages

MAX_BODY_BYTES = 1_000_000
INSERT = (
    "insert into halfin.webhook_events (signature, body) values (%s, %s) on conflict do nothing"
)


def create_app(
    database: str, secrets: tuple[str, ...], beside: Starlette | None = None
) -> Starlette:
    """The receiver on the webhook login's URL. Answers 2xx only for what is durably stored.

    Every other path is answered by the application `beside` it.
    """
    pool = AsyncConnectionPool(
        database, min_size=1, max_size=8, timeout=5, open=False, kwargs={"autocommit": True}
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await pool.open()
        try:
            async with AsyncExitStack() as stack:
                if beside:
                    await stack.enter_async_context(beside.router.lifespan_context(beside))
                yield
        finally:
            await pool.close()

    async def receive(request: Request) -> Response:
        body = await request.body()
        signature = request.headers.get(SIGNATURE_HEADER, "")
        if not verify(signature, body, secrets, int(time.time())):
            return Response(status_code=401)
        if not _is_json_object(body):
            return Response(status_code=400)
        try:
            async with pool.connection() as connection:
                await connection.execute(INSERT, [signature, body])
        except (psycopg.OperationalError, PoolTimeout):
            # The rail tries again for hours; what we cannot keep we must not acknowledge.
            return Response(status_code=503)
        return Response(status_code=204)

    async def health(_: Request) -> Response:
        return Response("ok\n", media_type="text/plain")

    app = Starlette(
        routes=[
            Route("/webhooks/halfin", receive, methods=["POST"]),
            Route("/healthz", health),
        ],
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
    )
    if beside:
        app.router.default = beside
    return app


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def serve(settings: Settings, port: int, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve on loopback until interrupted; a reverse proxy with TLS stands in front of it."""
    app = create_app(
        database_url(settings, Component.WEBHOOK),
        webhook_secrets(settings),
        beside=create_pages(settings),
    )
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    with listening_socket("127.0.0.1", port) as listener:
        if on_ready:
            on_ready(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.run(sockets=[listener])
