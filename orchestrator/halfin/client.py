"""Calls to halfin over HTTP: the same bytes on every try, and no more tries than are safe."""

import logging
from collections.abc import Callable
from typing import Self
from urllib.parse import quote, urlencode

import httpx
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from orchestrator.errors import SettleError
from orchestrator.formatting.cells import visible
from orchestrator.halfin.credentials import key_environment
from orchestrator.halfin.exchange import Exchange
from orchestrator.halfin.responses import RailResponse, read_response
from orchestrator.network.addresses import checked_url
from orchestrator.network.moving_window import MovingWindow

MAX_ANSWER_BYTES = 256 * 1024 * 1024
PAGE_ROWS = 100
CALLS_PER_MINUTE = 300
KEY_SHOWN = b"[key]"  # what the database, too, puts in the place of a key
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_log = logging.getLogger(__name__)


class _RetryableError(Exception):
    """An attempt worth repeating with the same bytes."""

    def __init__(self, answer: RailResponse) -> None:
        super().__init__(f"{answer.http_status or 'no answer'}: {answer.said}")
        self.answer = answer


def _backoff(error: Exception) -> bool | float:
    if isinstance(error, _RetryableError):
        return True if error.answer.retry_after_s is None else error.answer.retry_after_s
    return False


def _log_retry(details: RetryDetails) -> None:
    reason = visible(str(details.caused_by))
    _log.warning("halfin: %s; next attempt in %.1f s", reason, details.wait_for)


# stamina's default hook prints to stdout once structlog is installed, which would spoil `--json`.
set_on_retry_hooks([_log_retry])


class HalfinClient:
    """The rail, for use in a `with` block.

    `base_url` ends in `/api`. `timeout_s` bounds each wait of an attempt, `total_s` all of it.
    `attempts` counts the first one too. No call raises for anything the rail or the network does.
    `transport` takes the place of the network.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 30.0,
        total_s: float = 120.0,
        attempts: int = 5,
        wait_initial_s: float = 0.5,
        wait_max_s: float = 10.0,
        calls_per_minute: int = CALLS_PER_MINUTE,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.environment = key_environment(api_key)
        self._key = api_key.encode()
        self._base_url = checked_url("HALFIN_BASE_URL", base_url).rstrip("/")
        self._attempts = attempts
        self._wait_initial_s, self._wait_max_s = wait_initial_s, wait_max_s
        self._pace = MovingWindow(calls_per_minute, 60.0)
        self._http = httpx.Client(
            headers={"X-API-Key": api_key, "Accept": "application/json"},
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=False,
            transport=transport or Exchange(base_url, total_s, MAX_ANSWER_BYTES),
        )

    def __repr__(self) -> str:
        return f"HalfinClient({self._base_url!r}, environment={self.environment!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def post(
        self,
        path: str,
        body: Callable[[], list[bytes]],
        *,
        before: Callable[[], None] = lambda: None,
        after: Callable[[RailResponse], None] = lambda answer: None,
    ) -> RailResponse:
        """Submit a batch or a payout. The same bytes under the same key return the original.

        `body` is asked for the bytes, in pieces, at each attempt: megabytes are held once.
        `before` runs ahead of every attempt and stops it by raising; `after` sees each answer.
        """
        return self._call("POST", path, body, before, after)

    def get(self, path: str, identity: str) -> RailResponse:
        """A batch or a payout as it stands now: GET path/identity."""
        return self._call("GET", f"{path}/{quote(identity, safe='')}")

    def currencies(self) -> RailResponse:
        return self._call("GET", f"/v1/currencies?limit={PAGE_ROWS}")

    def balances(self) -> RailResponse:
        return self._call("GET", f"/v1/balances?limit={PAGE_ROWS}")

    def ledger(self, currency: str, offset: int) -> RailResponse:
        """A page of the rail's own history of a currency, newest first."""
        page = urlencode({"limit": PAGE_ROWS, "offset": offset})
        return self._call("GET", f"/v1/balances/{quote(currency, safe='')}/ledger?{page}")

    def _call(
        self,
        method: str,
        path: str,
        body: Callable[[], list[bytes]] | None = None,
        before: Callable[[], None] = lambda: None,
        after: Callable[[RailResponse], None] = lambda answer: None,
    ) -> RailResponse:
        if not path.startswith("/"):
            raise SettleError(f"the rail's path {path!r} must start with /")
        try:
            for attempt in stamina.retry_context(
                on=_backoff,
                attempts=self._attempts,
                timeout=None,
                wait_initial=self._wait_initial_s,
                wait_max=self._wait_max_s,
                wait_jitter=self._wait_initial_s,
            ):
                with attempt:
                    self._pace.wait()
                    before()
                    answer = self._attempt(method, path, body() if body else None)
                    after(answer)
                    if answer.is_worth_a_retry:
                        raise _RetryableError(answer)
                    return answer
        except _RetryableError as error:
            return error.answer
        raise AssertionError("the loop above returns or raises")

    def _attempt(self, method: str, path: str, body: list[bytes] | None) -> RailResponse:
        headers = {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(sum(map(len, body)))
        status = 0
        try:
            with self._http.stream(
                method, self._base_url + path, content=body, headers=headers
            ) as response:
                status = response.status_code
                raw = _read(response)
                if raw and self._key in raw:  # what it repeats of our key is said and kept nowhere
                    raw = raw.replace(self._key, KEY_SHOWN)
        except httpx.RequestError as error:
            return RailResponse(
                status,
                was_sent=not isinstance(error, _NEVER_SENT),
                is_whole=False,
                problem=f"{type(error).__name__}: {error}",
            )
        if raw is None:
            return RailResponse(status, is_whole=False, problem="the answer is too long")
        return read_response(response, raw)


def _read(response: httpx.Response) -> bytearray | None:
    """The body; None where it is longer than any answer we expect."""
    raw = bytearray()
    for chunk in response.iter_bytes():
        if not raw and isinstance(chunk, bytearray):
            raw = chunk  # all of it, from Exchange, and not copied
        else:
            raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            return None
    return raw
