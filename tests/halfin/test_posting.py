"""Posts of the sandbox's webhooks over kept connections, to receivers that answer oddly."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from orchestrator.halfin_sandbox.posting import UNANSWERED, Poster

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def receiver(answers: list[bytes], seen: list[bytes]) -> Any:
    """Answers one request after another with these bytes; an answer that ends in a bar is the last
    of its connection, and an empty one never comes."""
    waiting: Iterator[bytes] = iter(answers)

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(b"a connection")
        with suppress(asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                [length] = [line for line in head.splitlines() if b"Content-Length" in line]
                seen.append(head + await reader.readexactly(int(length.split()[1])))
                if not (answer := next(waiting)):
                    await asyncio.sleep(5)
                writer.write(answer.removesuffix(b"|"))
                if answer.endswith(b"|"):
                    break
        writer.close()

    async with await asyncio.start_server(receive, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def posted(*answers: bytes, timeout_s: float = 5.0) -> tuple[list[int | str], list[bytes]]:
    """The status, or the error, of a post for each of these answers, and what arrived."""
    seen: list[bytes] = []
    statuses: list[int | str] = []

    async def post() -> None:
        async with (
            receiver(list(answers), seen) as url,
            Poster(f"{url}/hook?of=1", ssl.create_default_context(), timeout_s=timeout_s) as poster,
        ):
            for number in range(len(answers)):
                try:
                    statuses.append(await poster.post({"X-Number": str(number)}, b"{}"))
                except UNANSWERED as error:
                    statuses.append(type(error).__name__)
                await asyncio.sleep(0.01)  # what was closed is known to be

    asyncio.run(post())
    return statuses, seen


def test_requests_share_a_connection_as_long_as_the_receiver_keeps_it() -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    chunked = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    refused = b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n|"
    statuses, seen = posted(OK, hints + OK, chunked, refused, b"HTTP/1.0 204 None\r\n\r\n|", OK)
    assert statuses == [200, 200, 201, 503, 204, 200]
    assert [n for n, what in enumerate(seen) if what == b"a connection"] == [0, 5, 7]
    first = seen[1]
    assert first.startswith(b"POST /hook?of=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert first.endswith(b"\r\nContent-Length: 2\r\nX-Number: 0\r\n\r\n{}")


def test_a_body_may_end_with_its_connection() -> None:
    assert posted(b"HTTP/1.1 200 OK\r\n\r\nas long as it takes|", OK)[0] == [200, 200]


def test_what_is_no_answer_is_named_and_the_next_post_has_a_connection_of_its_own() -> None:
    statuses, seen = posted(b"|", b"SMTP 220 hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n|", OK)
    assert statuses == ["EOFError", "HttpParserError", "EOFError", 200]
    assert seen.count(b"a connection") == 4


def test_a_receiver_that_never_answers_is_left_after_the_time_that_it_has() -> None:
    assert posted(b"", timeout_s=0.1)[0] == ["TimeoutError"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://127.0.0.1:x/"])
def test_a_url_at_which_nobody_is_raises_what_the_sandbox_notes_down(url: str) -> None:
    async def post() -> None:
        async with Poster(url, ssl.create_default_context(), timeout_s=1) as poster:
            await poster.post({}, b"{}")

    with pytest.raises(UNANSWERED):
        asyncio.run(post())
