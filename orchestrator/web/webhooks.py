"""The webhook application: check the signature, insert the raw body, answer.

The database does the rest: a trigger of the owner reads the event and moves the line. This module
imports nothing of the pages, so that nothing of theirs can keep a webhook from being stored.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from orchestrator.halfin.signature import SIGNATURE_HEADER, verify
from orchestrator.web.event_inserts import EventInserts

MAX_BODY_BYTES = 1_000_000


class Webhooks:
    """Takes `POST` of events, on the webhook login's URL, at whatever path it is mounted.

    Answers 2xx only for what is durably stored.
    """

    def __init__(self, database: str, secrets: tuple[str, ...]) -> None:
        self._inserts, self._secrets = EventInserts(database), secrets
        self._limited = RequestBodyLimitMiddleware(self._receive, MAX_BODY_BYTES)

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Events are stored while it lasts."""
        async with self._inserts.opened():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One event."""
        await self._limited(scope, receive, send)

    async def _receive(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        signature = request.headers.get(SIGNATURE_HEADER, "")
        status = await self._store(signature, await request.body())
        await Response(status_code=status)(scope, receive, send)

    async def _store(self, signature: str, body: bytes) -> int:
        if not verify(signature, body, self._secrets, int(time.time())):
            return 401
        if not _is_json_object(body):
            return 400
        try:
            await self._inserts.insert(signature, body)
        except psycopg.Error:
            # The rail retries for hours; an event that is not stored must not be acknowledged.
            return 503
        return 204


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
