"""One response of the rail, as far as HTTP says. What it means for the money, the database says."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

MAX_RETRY_AFTER_S = 60.0


@dataclass(frozen=True)
class RailResponse:
    """What came of one attempt; `http_status` is 0 when there was no response.

    `was_sent` is false only where the rail cannot have read the request. `is_whole` is false when
    the body was cut, too long, or no JSON object. `body` is raw; `problem` says what went wrong
    without a response. Nothing here says whether money moved.
    """

    http_status: int
    body: bytes | bytearray = field(default=b"", repr=False)
    was_sent: bool = True
    is_whole: bool = True
    request_id: str | None = None
    retry_after_s: float | None = None
    problem: str | None = None

    @property
    def is_success(self) -> bool:
        return 200 <= self.http_status < 300 and self.is_whole

    @property
    def is_worth_a_retry(self) -> bool:
        """429, 5xx, no response, and a success whose body did not arrive whole."""
        status = self.http_status
        return status in (0, 429) or status >= 500 or (200 <= status < 300 and not self.is_whole)

    @property
    def said(self) -> str:
        """The rail's own words for a refusal, else what happened, in one line."""
        error = self._envelope().get("error")
        message = error.get("message") if isinstance(error, dict) else None
        return " ".join(str(message or self.problem or "no answer").split())

    @property
    def data(self) -> Any:
        """The parsed `data` of a success; None where there is none."""
        return self._envelope().get("data")

    @property
    def has_more(self) -> bool | None:
        """Whether a list goes on after this page; None where the rail does not say."""
        meta = self._envelope().get("meta")
        page = meta.get("pagination") if isinstance(meta, dict) else None
        more = page.get("has_more") if isinstance(page, dict) else None
        return None if more is None else bool(more)

    def _envelope(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def read_response(response: httpx.Response, body: bytearray) -> RailResponse:
    """A response that arrived.

    A large body is not parsed here, that is for the database: whole JSON ends as it began.
    """
    shape = body.strip() if len(body) < 2**16 else body[:64].lstrip() + body[-64:].rstrip()
    return RailResponse(
        response.status_code,
        body,
        was_sent=response.status_code != 429,
        is_whole=shape.startswith(b"{") and shape.endswith(b"}"),
        request_id=_request_id(body),
        retry_after_s=retry_after_s(response),
    )


def retry_after_s(response: httpx.Response) -> float | None:
    """Retry-After in seconds, at most a minute; None where it says nothing we can obey."""
    value = response.headers.get("Retry-After", "").strip()
    if not re.fullmatch(r"[0-9]{1,9}", value):
        return None
    return min(float(value), MAX_RETRY_AFTER_S)


def _request_id(body: bytearray) -> str | None:
    """It stands in `meta`, which is last: found without parsing what may be megabytes.

    Only where it is plain text: a row of the database could not keep all else (a NUL).
    """
    found = re.search(rb'"request_id"\s*:\s*"([ !#-\[\]-~]{1,200})"[^\[\]]*$', body[-4096:])
    return found[1].decode("ascii") if found else None
