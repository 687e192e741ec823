"""The calls that the sandbox received, and what it made of each."""

import contextlib
import hashlib
from collections import deque

from starlette.requests import Request

from orchestrator.halfin_sandbox.errors import RailError
from orchestrator.halfin_sandbox.payouts import Json, now
from orchestrator.halfin_sandbox.validation import parse

KEPT = 200


class Calls:
    """The latest calls; they are not kept over a restart."""

    def __init__(self) -> None:
        self.latest: deque[Json] = deque(maxlen=KEPT)
        self.count = 0

    def begin(self, request: Request) -> Json:
        """The record of a new call, filled in as the call goes on."""
        call: Json = {"created_at": now(), "method": request.method, "path": request.url.path}
        call |= {"status": None, "idempotency_key": None, "body_sha256": None}
        call |= {"is_repeated": None, "fault": None}
        self.latest.append(call)
        self.count += 1
        request.state.call = call
        return call


async def read_body(request: Request) -> tuple[Json, str]:
    """The JSON object a call brings, and the digest of its bytes; both are noted down."""
    raw, call = await request.body(), request.state.call
    call["body_sha256"] = hashlib.sha256(raw).hexdigest()
    body = parse(raw)
    key = body.get("idempotency_key")
    call["idempotency_key"] = key[:255] if isinstance(key, str) else None
    return body, call["body_sha256"]


async def note_body(request: Request) -> None:
    """Note down what a call brings that is refused before anybody reads it."""
    with contextlib.suppress(RailError):
        await read_body(request)
