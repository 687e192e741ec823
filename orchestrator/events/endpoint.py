"""The receiver of events: one request at a time, which ends in time whatever it answers."""

import asyncio
import time
from dataclasses import dataclass
from typing import Self

import httpx

from orchestrator.config import Settings
from orchestrator.errors import SettleError
from orchestrator.events.signature import headers
from orchestrator.net import authorities, is_local
from orchestrator.secret_files import generated_secret

TIMEOUT_S = 15.0
# More of an answer is not read; nothing of it is kept.
LONGEST_ANSWER = 64 * 1024
# A receiver that answers so takes nothing from us now; any other 4xx is about the event.
ABOUT_ALL = (401, 403, 404, 408, 410, 429)


@dataclass(frozen=True)
class Problem:
    """Why an event was not taken."""

    text: str
    is_about_this_one: bool = False


class Endpoint:
    """SETTLE_EVENTS_URL, for use in a `with` block of one thread.

    Raises SettleError where it is not set, or production has no secret for it.
    """

    def __init__(self, settings: Settings, timeout_s: float = TIMEOUT_S) -> None:
        if not settings.events_url:
            raise SettleError("SETTLE_EVENTS_URL is not set: nothing is posted")
        self._url = settings.events_url
        self._secrets = settings.events_secrets or (
            generated_secret(settings, "SETTLE_EVENTS_SECRET", "whsec_"),
        )
        self._timeout_s = timeout_s
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(
            headers={"Content-Type": "application/json", "User-Agent": "settle"},
            timeout=timeout_s,
            verify=authorities(),
            follow_redirects=False,
            trust_env=not is_local(settings.events_url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()

    def post(self, event_id: str, body: str) -> Problem | None:
        """Post an event once; None where the receiver has taken it. Never raises for its sake."""
        return self._runner.run(self._post(event_id, body.encode()))

    async def _post(self, event_id: str, body: bytes) -> Problem | None:
        signed = headers(event_id, int(time.time()), body, self._secrets)
        try:
            # Of the whole exchange: a receiver that sends a byte now and then ends here too.
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream("POST", self._url, content=body, headers=signed) as answer,
            ):
                self._http.cookies.clear()  # nothing of an answer is for the next event
                await _read(answer)
        except TimeoutError:
            return Problem(f"no answer in {self._timeout_s:g} s")
        except httpx.RequestError as error:
            return Problem(type(error).__name__)
        if answer.is_success:
            return None
        is_refused = answer.is_client_error and answer.status_code not in ABOUT_ALL
        return Problem(f"HTTP {answer.status_code}", is_about_this_one=is_refused)


async def _read(answer: httpx.Response) -> None:
    """To the end, so that the connection is used again; not of one that goes on and on."""
    length = 0
    async for chunk in answer.aiter_raw():
        length += len(chunk)
        if length > LONGEST_ANSWER:
            return
