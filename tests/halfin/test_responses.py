"""What the client makes of odd answers; what they mean for the money is in test_verdicts."""

import gzip
import json
import logging
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.halfin import BATCH_PATH, HalfinClient, RailResponse, client, responses
from tests.halfin.sandbox import FAST, KEY, attempts, batch, http_server, line, post, refusal

TAKEN = {"data": {"id": "b", "payouts": [{"id": "p", "status": "processing"}]}, "meta": {}}
BIG = b'{"data": {"note": "%s"}, "meta": {"request_id": "req_1", "total": 3}}'


def reply(content: Any, status: int = 200, **headers: str) -> Response:
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    return Response(text, status, {k.replace("_", "-"): v for k, v in headers.items()})


def refused(status: int, code: str = "validation_error") -> Response:
    return reply({"error": {"code": code, "message": "no", "details": ["a", 1]}}, status)


def odd_rail(*replies: Response) -> list[RailResponse]:
    """What the client makes of these answers, one after the other; the rail has no more."""
    left = iter(replies)
    with (
        http_server(lambda request, body: next(left)) as url,
        HalfinClient(url, KEY, attempts=len(replies), **FAST) as rail,
    ):
        seen = attempts(rail, batch(line(1)))
    assert next(left, None) is None, "not every answer was asked for"
    return seen


@pytest.mark.parametrize(
    "odd", [[1], "<html>a login page</html>", '{"data": {"id": "b", "payo', "", b"\xff\xfe{\0}\0"]
)
def test_a_success_that_is_no_json_object_is_asked_again(odd: Any) -> None:
    half, whole = odd_rail(reply(odd), reply(TAKEN, 201))
    assert (half.http_status, half.is_whole, half.is_success, half.data) == (
        200,
        False,
        False,
        None,
    )
    assert (whole.http_status, whole.is_success, whole.data) == (201, True, TAKEN["data"])


@pytest.mark.parametrize("odd", [{}, {"data": None}, {"data": {"payouts": [{}]}}, "{}}"])
def test_a_whole_success_of_another_shape_is_for_the_database(odd: Any) -> None:
    [answer] = odd_rail(reply(odd))
    assert answer.is_success
    assert bytes(answer.body) == reply(odd).body


@pytest.mark.parametrize("status", [302, 307, 400, 401, 402, 403, 404, 409, 413, 422])
def test_a_refusal_is_taken_as_it_is(status: int) -> None:
    [answer] = odd_rail(refused(status))
    assert (answer.http_status, answer.was_sent, answer.is_worth_a_retry) == (status, True, False)
    assert refusal(answer) == ("validation_error", ["a", 1])
    assert (answer.said, answer.data, answer.has_more) == ("no", None, None)


@pytest.mark.parametrize("content", ["", "<html>", "null", '{"error": []}', '{"error": {}}'])
def test_a_refusal_that_does_not_say_why_is_no_answer_in_words(content: str) -> None:
    [answer] = odd_rail(reply(content, 400))
    assert (answer.said, answer.is_worth_a_retry) == ("no answer", False)
    assert answer.body == content.encode()


def test_what_was_refused_for_a_while_was_not_read() -> None:
    busy, broken, answer = odd_rail(reply("", 429, Retry_After="0"), reply("", 500), refused(400))
    assert [a.was_sent for a in (busy, broken, answer)] == [False, True, True]
    assert busy.retry_after_s == 0.0


@pytest.mark.parametrize("status", [201, 400])
def test_too_long_an_answer_is_not_read(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 10)
    [answer] = odd_rail(reply(TAKEN, status))
    assert (answer.http_status, answer.body, answer.was_sent) == (status, b"", True)
    assert (answer.is_success, answer.is_worth_a_retry) == (False, status == 201)
    assert answer.said == "the answer is too long"


def test_an_answer_may_be_as_long_as_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = reply(TAKEN, 201)
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", len(whole.body))
    assert odd_rail(whole)[0].data == TAKEN["data"]


def test_a_small_answer_that_unpacks_to_too_much_is_not_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "MAX_ANSWER_BYTES", 100_000)
    packed = gzip.compress(BIG % (b"x" * 1_000_000))
    assert len(packed) < 10_000
    [answer] = odd_rail(reply(packed, 201, Content_Encoding="gzip"))
    assert (answer.body, answer.said) == (b"", "the answer is too long")


@pytest.mark.parametrize(
    "location", ["", "http://[", "//", "x:", "http://user:pw@", "\xff", "/else"]
)
def test_nobody_is_sent_elsewhere(location: str) -> None:
    """Nor does a place that is none raise anything."""
    [answer] = odd_rail(reply("", 302, Location=location))
    assert not answer.is_success


def test_a_large_answer_is_not_parsed_here() -> None:
    """That it is whole, and its request, are read off its ends; the middle is the database's."""
    not_json = BIG % (b'"' * 2**17)
    whole, cut = odd_rail(reply(not_json, 500), reply(not_json[:-2], 201))
    assert (whole.is_whole, whole.request_id) == (True, "req_1")
    assert (cut.is_whole, cut.is_worth_a_retry) == (False, True)


@pytest.mark.parametrize(
    ("body", "request_id"),
    [
        (b'{"data": [], "meta": {"request_id": "req_1", "pagination": {"total": 1}}}', "req_1"),
        (b'{"data": [{"request_id": "of a payout"}], "meta": {}}', None),
        (b'{"meta": {"request_id": 7}}', None),
        (b'{"meta": {"request_id": "' + b"x" * 201 + b'"}}', None),
        (b'{"meta": {"request_id": "a\0b"}}', None),
        (b'{"meta": {"request_id": "\xff"}}', None),
        (b"", None),
    ],
)
def test_the_request_of_an_answer(body: bytes, request_id: str | None) -> None:
    """What it cannot be in a row of the database it is not here either."""
    assert odd_rail(reply(body, 404))[0].request_id == request_id


def test_what_is_said_is_one_line() -> None:
    words = {"error": {"code": "x", "message": "not\nso\r\n\tat all"}}
    assert odd_rail(reply(words, 403))[0].said == "not so at all"


def test_every_attempt_sends_the_same_bytes(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[tuple[str, str | None, bytes]] = []

    def answer(request: Request, body: bytes) -> Response:
        assert request.url.path == "/v2/bulk"
        seen.append((request.headers["X-API-Key"], request.headers["Content-Type"], body))
        return reply(TAKEN, 201) if len(seen) == 3 else reply("", 503)

    caplog.set_level(logging.DEBUG)
    body = b' {"idempotency_key":"\xc3\xa9", "payouts":[] }\n'
    with http_server(answer) as url, HalfinClient(url, KEY, **FAST) as rail:
        assert post(rail, body, "/v2/bulk").is_success
        assert KEY not in repr(rail) + caplog.text
    assert seen == [(KEY, "application/json", body)] * 3
    assert "503" in caplog.text


def test_the_body_is_asked_for_at_each_attempt_and_framed_as_one() -> None:
    """In pieces it would go out chunked, which the sandbox takes and a gateway may not."""
    arrived: list[tuple[str | None, str | None, bytes]] = []
    asked: list[list[bytes]] = []

    def answer(request: Request, body: bytes) -> Response:
        framing = (request.headers.get(name) for name in ("Content-Length", "Transfer-Encoding"))
        arrived.append((*framing, body))
        return reply(TAKEN, 201) if len(arrived) == 2 else reply("", 500)

    def body() -> list[bytes]:
        asked.append([b'{"payouts": ', b"", b"[" + b" " * 2**20, b"]}"])
        return asked[-1]

    with http_server(answer) as url, HalfinClient(url, KEY, **FAST) as rail:
        assert rail.post(BATCH_PATH, body).is_success
    whole = b"".join(asked[0])
    assert len(asked) == 2
    assert arrived == [(str(len(whole)), None, whole)] * 2


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("3600", 60.0),
        ("-1", None),
        ("soon", None),
        ("9" * 5000, None),
        ("\u0667", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    headers = [(b"Retry-After", value.encode())]
    assert responses.retry_after_s(httpx.Response(429, headers=headers)) == seconds
