"""The network as the client sees it: each exchange ends in time, whatever is at the other end."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import cast

import httpx

from orchestrator.network.addresses import authorities, is_local


class Exchange(httpx.BaseTransport):
    """Requests to one address. `total_s` bounds each, from connecting to the last byte.

    The timeouts of a request bound each wait: they never end where a byte comes now and then, of a
    header too. What is over time raises httpx.ReadTimeout: the request may have been read. The
    network is waited for in a thread of its own, as a caller may be within another event loop.
    """

    def __init__(self, url: str, total_s: float, longest: int) -> None:
        self._total_s, self._longest = total_s, longest
        # No proxy stands between us and this machine.
        self._http = httpx.AsyncClient(verify=authorities(), trust_env=not is_local(url))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = asyncio.run_coroutine_threadsafe(self._exchange(request), self._loop)
        try:
            return answer.result()
        finally:
            answer.cancel()  # where somebody interrupts who waits; nothing where it is over

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._http.aclose(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        asked = httpx.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=_pieces(request) if "Content-Length" in request.headers else None,
            extensions=request.extensions,
        )
        over = httpx.ReadTimeout(f"the response did not end in {self._total_s:g} s")
        body = _Body()
        response: httpx.Response | None = None
        try:
            async with asyncio.timeout(self._total_s):
                response = await self._http.send(asked, stream=True)
                await body.read(response, self._longest)
        except TimeoutError:
            body.problem = over
        except httpx.RequestError as error:
            body.problem = error
        finally:
            self._http.cookies.clear()  # nothing of a response is for the next request
            if response is not None:
                await response.aclose()
        if response is None:
            raise body.problem or over
        return httpx.Response(response.status_code, headers=response.headers, stream=body)


class _Body(httpx.SyncByteStream):
    """What came of a body as it was sent, then what ended it early."""

    def __init__(self) -> None:
        self.problem: httpx.RequestError | None = None
        self._raw = bytearray()

    async def read(self, response: httpx.Response, longest: int) -> None:
        """To its end; of one that is too long, no more than shows it."""
        async for chunk in response.aiter_raw():
            self._raw += chunk
            if len(self._raw) > longest:
                return

    def __iter__(self) -> Iterator[bytes]:
        if self._raw:
            # In one piece, which the client keeps: megabytes are held once.
            yield cast("bytes", self._raw)
        if self.problem:
            raise self.problem


async def _pieces(request: httpx.Request) -> AsyncIterator[bytes]:
    """The bytes of a request, one piece at a time: a batch of megabytes is held once."""
    for piece in cast("httpx.SyncByteStream", request.stream):
        yield piece
