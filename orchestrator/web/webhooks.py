"""The webhook application: check the signature, insert the raw body, answer.

The database does the rest: a trigger of the owner reads the event and moves the line. This module
imports nothing of the pages, so that nothing of theirs can keep a webhook from being stored.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.halfin.signature import SIGNATURE_HEADER, verify

MAX_BODY_BYTES = 1_000_000
INSERT = (
    "insert into halfin.webhook_events (signature, body) values (%s, %s) on conflict do nothing"
)


def create_webhooks(database: str, secrets: tuple[str, ...]) -> Starlette:
    """`POST /halfin` on the webhook login's URL. Answers 2xx only for what is durably stored."""
    pool = AsyncConnectionPool(
        database, min_size=1, max_size=8, timeout=5, open=False, kwargs={"autocommit": True}
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await pool.open()
        try:
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
        except psycopg.Error:
            # The rail retries for hours; an event that is not stored must not be acknowledged.
            return Response(status_code=503)
        return Response(status_code=204)

    return Starlette(
        routes=[Route("/halfin", receive, methods=["POST"])],
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
    )


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
