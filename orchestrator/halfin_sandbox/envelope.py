"""How the rail words its answers: data or error, and meta."""

import json
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from orchestrator.halfin_sandbox.errors import RailError, invalid
from orchestrator.halfin_sandbox.payouts import Json


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
    total = len(rows)
    found = [show(rows[total - 1 - n]) for n in range(first, min(last, total))]
    page = {"total": total, "limit": int(limit), "offset": first, "has_more": last < total}
    return success(found, meta={"pagination": page})


def _meta() -> Json:
    return {"request_id": f"req_{secrets.token_hex(12)}"}
