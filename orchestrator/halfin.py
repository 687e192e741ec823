"""The halfin client: sends bytes as given, retries what is safe, and never guesses an outcome."""

import json
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from ipaddress import ip_address
from typing import Any, Literal, Self
from urllib.parse import quote

import httpx
import stamina
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from orchestrator.errors import SettleError

# ---- Assumptions: halfin does not document these publicly. They stand here and nowhere else. ----

BATCH_PATH = "/v1/payouts/batch"  # POST creates a batch, GET {path}/{id} returns its current state
CURRENCY_NETWORKS = {  # the currency code of each rail, and what a payout calls its network
    "USDT_TRC20": "TRON",
    "USDT_ERC20": "ETHEREUM",
    "USDT_SPL": "SOLANA",
}
REFUSALS = frozenset({"validation_error", "invalid_state"})  # a 400 with these created nothing


def _is_batch(data: Any) -> bool:
    return _has_id(data) and _is_rows(data.get("payouts")) and all(map(_has_id, data["payouts"]))


# ---- Documented ---------------------------------------------------------------------------------

MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_RETRY_AFTER_S = 60.0
_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_API_KEY = re.compile(r"sk_(test|live)_[0-9a-fA-F]{64}")
_log = logging.getLogger(__name__)


def _has_id(data: Any) -> bool:
    return isinstance(data, dict) and isinstance(data.get("id"), str) and data["id"] != ""


def _is_rows(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(row, dict) for row in data)


class Outcome(StrEnum):
    """What an answer allows us to believe. Unknown is not failed."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # refused as a whole: nothing was created
    STOPPED = "stopped"  # asking again teaches nothing: a person must look
    UNKNOWN = "unknown"  # it may have been taken: ask again later, with the same bytes


@dataclass(frozen=True)
class RailAnswer:
    """The last answer to one call; `http_status` is 0 when there was none.

    `is_usable` is false when the body was cut or too long, or a 2xx had not the expected shape.
    `is_doubtful`: some attempt of this call may have reached the rail and got no clear answer;
    where it is false and the outcome unknown, this call created nothing.
    """

    http_status: int
    body: str = field(repr=False)
    request_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    details: tuple[str, ...] = ()
    is_usable: bool = True
    is_doubtful: bool = False

    @property
    def outcome(self) -> Outcome:
        if self.http_status in (0, 429) or self.http_status >= 500 or not self.is_usable:
            return Outcome.UNKNOWN
        if 200 <= self.http_status < 300:
            return Outcome.ACCEPTED
        # "Balance too low" may be the doing of the earlier attempt, if that one was taken.
        is_own_doing = self.is_doubtful and self.error_code == "invalid_state"
        if self.http_status == 400 and self.error_code in REFUSALS and not is_own_doing:
            return Outcome.REJECTED
        return Outcome.STOPPED

    @property
    def data(self) -> Any:
        """The parsed `data` of an accepted answer; on any other, ValueError or KeyError."""
        return json.loads(self.body)["data"]


class _RetryableError(Exception):
    """An attempt worth repeating with the same bytes, and what is known after it."""

    def __init__(
        self, answer: RailAnswer, *, wait_s: float | None = None, was_sent: bool = True
    ) -> None:
        super().__init__(f"{answer.http_status or 'no answer'}: {answer.error_message}")
        self.answer, self.wait_s, self.was_sent = answer, wait_s, was_sent


def _backoff(error: Exception) -> bool | float:
    if isinstance(error, _RetryableError):
        return True if error.wait_s is None else error.wait_s
    return False


def _log_retry(details: RetryDetails) -> None:
    _log.warning("halfin: %s; next attempt in %.1f s", details.caused_by, details.wait_for)


# stamina's default hook prints to stdout once structlog is installed, which would spoil `--json`.
set_on_retry_hooks([_log_retry])


def key_environment(api_key: str) -> Literal["test", "live"]:
    """Whether a key moves real money; raises SettleError when it is not a halfin key."""
    match = _API_KEY.fullmatch(api_key)
    if match is None:
        problem = "is malformed" if api_key else "is not set"
        raise SettleError(
            f"HALFIN_API_KEY {problem}: it is sk_test_ or sk_live_ and 64 hex characters"
        )
    return "live" if match[1] == "live" else "test"


def _checked_url(base_url: str) -> httpx.URL:
    """The rail's address; SettleError where the key would travel in clear or to nowhere."""
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL()
    if url.scheme not in ("http", "https") or not url.host or url.userinfo:
        raise SettleError("HALFIN_BASE_URL must be an http(s) URL without user and password")
    if url.scheme == "http" and not _is_loopback(url.host):
        raise SettleError(f"HALFIN_BASE_URL would send the key to {url.host} in clear: use https")
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class HalfinClient:
    """The rail, for use in a `with` block; safe to share between threads.

    `base_url` ends in `/api`. `timeout_s` bounds each wait and the reading of a body as a whole.
    `attempts` counts the first one too. No call raises for anything the rail or the network does.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        timeout_s: float = 30.0,
        attempts: int = 5,
        wait_initial_s: float = 0.5,
        wait_max_s: float = 10.0,
    ) -> None:
        self.environment = key_environment(api_key)
        url = _checked_url(base_url)
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._attempts = attempts
        self._wait_initial_s, self._wait_max_s = wait_initial_s, wait_max_s
        self._http = httpx.Client(
            headers={"X-API-Key": api_key, "Accept": "application/json"},
            timeout=timeout_s,
            follow_redirects=False,
            trust_env=not _is_loopback(url.host),  # no proxy between us and the sandbox
        )

    def __repr__(self) -> str:
        return f"HalfinClient({self._base_url!r}, environment={self.environment!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.close()

    def post_batch(self, body: bytes, *, path: str = BATCH_PATH) -> RailAnswer:
        """Submit a batch. The same bytes under the same key return the original batch."""
        return self._call("POST", path, _is_batch, body)

    def get_batch(self, batch_id: str, *, path: str = BATCH_PATH) -> RailAnswer:
        return self._call("GET", f"{path}/{quote(batch_id, safe='')}", _is_batch)

    def post_payout(self, body: bytes) -> RailAnswer:
        return self._call("POST", "/v1/payouts", _has_id, body)

    def get_payout(self, payout_id: str) -> RailAnswer:
        return self._call("GET", f"/v1/payouts/{quote(payout_id, safe='')}", _has_id)

    def balances(self) -> RailAnswer:
        return self._call("GET", "/v1/balances", _is_rows)

    def currencies(self) -> RailAnswer:
        return self._call("GET", "/v1/currencies", _is_rows)

    def _call(
        self, method: str, path: str, fits: Callable[[Any], bool], body: bytes | None = None
    ) -> RailAnswer:
        if not path.startswith("/"):
            raise SettleError(f"the rail's path {path!r} must start with /")
        is_doubtful = False
        answer = RailAnswer(0, "")
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
                    try:
                        answer = self._attempt(method, path, fits, body)
                        is_doubtful |= not answer.is_usable
                    except _RetryableError as error:
                        is_doubtful |= error.was_sent
                        raise
        except _RetryableError as error:
            answer = error.answer
        return replace(answer, is_doubtful=is_doubtful)

    def _attempt(
        self, method: str, path: str, fits: Callable[[Any], bool], body: bytes | None
    ) -> RailAnswer:
        headers = {} if body is None else {"Content-Type": "application/json"}
        status = 0
        try:
            with self._http.stream(
                method, self._base_url + path, content=body, headers=headers
            ) as response:
                status = response.status_code
                raw = _read(response, time.monotonic() + self._timeout_s)
        except httpx.RequestError as error:
            message = f"{type(error).__name__}: {error}"
            cut = RailAnswer(status, "", error_message=message, is_usable=False)
            raise _RetryableError(cut, was_sent=not isinstance(error, _NEVER_SENT)) from None
        if raw is None:
            return RailAnswer(status, "", error_message="answer too long", is_usable=False)
        return _judge(response, raw, fits)


def _read(response: httpx.Response, deadline: float) -> bytes | None:
    """The body; None where it is longer than any answer we expect."""
    raw = bytearray()
    for chunk in response.iter_bytes():
        raw += chunk
        if len(raw) > MAX_ANSWER_BYTES:
            return None
        if time.monotonic() > deadline:
            raise httpx.ReadTimeout("the body did not end in time")
    return bytes(raw)


def _judge(response: httpx.Response, raw: bytes, fits: Callable[[Any], bool]) -> RailAnswer:
    """Read the envelope; raises _RetryableError where a repeat may bring a better answer."""
    status = response.status_code
    try:
        envelope = json.loads(raw)
        is_json = isinstance(envelope, dict)
    except (ValueError, RecursionError):
        is_json = False
    found: dict[str, Any] = envelope if is_json else {}
    error, meta = found.get("error"), found.get("meta")
    error = error if isinstance(error, dict) else {}
    details = error.get("details")
    answer = RailAnswer(
        status,
        raw.decode("utf-8", "replace"),
        request_id=_text(meta.get("request_id")) if isinstance(meta, dict) else None,
        error_code=_text(error.get("code")),
        error_message=_text(error.get("message")),
        details=tuple(map(str, details)) if isinstance(details, list) else (),
        is_usable=not response.is_success or (is_json and fits(found.get("data"))),
    )
    if status == 429 or status >= 500:
        raise _RetryableError(answer, wait_s=_retry_after(response), was_sent=status != 429)
    # A proxy may frame half an answer as a whole one; only the JSON shows it.
    if response.is_success and not is_json:
        raise _RetryableError(replace(answer, error_message="the answer is not whole JSON"))
    return answer


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _retry_after(response: httpx.Response) -> float | None:
    value = response.headers.get("Retry-After", "").strip()
    if not re.fullmatch(r"[0-9]{1,9}", value):
        return None
    return min(float(value), MAX_RETRY_AFTER_S)
