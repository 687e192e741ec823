"""Posts to one URL over a connection that is kept.

A webhook costs a quarter of the processor time that it takes through httpx, and a payout week has
thousands of them: the sandbox runs on the machine that it rehearses with.
"""

import asyncio
import ssl
from collections.abc import Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Self

import httptools
import httpx

READ_BYTES = 65_536
# What a post may raise: nobody answers, not in time, not in HTTP; or the URL is none.
UNANSWERED = (OSError, EOFError, httptools.HttpParserError, httpx.InvalidURL)


class Poster:
    """One request at a time, for use in an `async with` block. Redirects are answers as any."""

    def __init__(self, url: str, tls: ssl.SSLContext, *, timeout_s: float) -> None:
        self._given_url, self._tls, self._timeout_s = url, tls, timeout_s
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @cached_property
    def _url(self) -> httpx.URL:
        return httpx.URL(self._given_url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._close()

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """Returns the status of the answer once all of it is here; raises one of UNANSWERED."""
        fields = {"Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")
        first = b"POST %s HTTP/1.1\r\nHost: %s\r\n" % (self._url.raw_path, self._url.netloc)
        is_kept = False
        try:
            async with asyncio.timeout(self._timeout_s):
                reader, writer = await self._connected()
                writer.write(first + head + b"\r\n" + body)
                await writer.drain()
                answer = await _read_answer(reader)
            is_kept = answer.is_kept
            return answer.status
        finally:
            if not is_kept:
                self._close()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams and self._streams[0].at_eof():  # the receiver has closed it meanwhile
            self._close()
        if not self._streams:
            is_tls = self._url.scheme == "https"
            self._streams = await asyncio.open_connection(
                self._url.host,
                self._url.port or (443 if is_tls else 80),
                ssl=self._tls if is_tls else None,
            )
        return self._streams

    def _close(self) -> None:
        if self._streams:
            self._streams[1].close()
            self._streams = None


async def _read_answer(reader: asyncio.StreamReader) -> "_Answer":
    """Read the answer to its end; what comes before it, as 103 Early Hints, is left out."""
    answer = _Answer()
    while not answer.is_whole:
        data = await reader.read(READ_BYTES)
        if not data and not answer.status:
            raise EOFError("the connection was closed before the answer")
        if not data:  # a body may end with its connection
            break
        answer.parser.feed_data(data)
    return answer


class _Answer:
    """What the parser has told of an answer. It goes on with the next one by itself, so that it is
    asked while it is at this one."""

    status = 0
    is_whole = is_kept = False

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        status = int(self.parser.get_status_code())
        self.status = status if status >= HTTPStatus.OK else 0

    def on_message_complete(self) -> None:
        self.is_whole = self.status > 0
        self.is_kept = bool(self.parser.should_keep_alive())
