"""Posting to an address that others have: it ends in time, whatever they answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import httpx

from orchestrator.network.addresses import authorities, is_local

# More of an answer is not read; nothing of it is kept.
LONGEST_ANSWER = 64 * 1024
# A receiver that answers so takes nothing from us now; any other 4xx is about what it was sent.
ABOUT_ALL = (401, 403, 404, 408, 410, 429)


@dataclass(frozen=True)
class Problem:
    """Why something was not taken."""

    text: str
    is_about_this_one: bool = False


class Outgoing:
    """One address, for use in a `with` block of one thread. Redirects are not followed.

    `timeout_s` bounds the whole of an exchange: a receiver that sends a byte now and then ends too.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._runner = asyncio.Runner()
        self._http = httpx.AsyncClient(
            headers={"Content-Type": "application/json", "User-Agent": "settle"},
            timeout=timeout_s,
            verify=authorities(),
            follow_redirects=False,
            trust_env=not is_local(url),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._runner.run(self._http.aclose())
        self._runner.close()

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Problem | None:
        """Post it once; None where it was taken. Never raises for the receiver's sake."""
        return self._runner.run(self._post(body, headers or {}))

    async def _post(self, body: bytes, headers: Mapping[str, str]) -> Problem | None:
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._http.stream("POST", self._url, content=body, headers=headers) as answer,
            ):
                self._http.cookies.clear()  # nothing of an answer is for the next request
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
