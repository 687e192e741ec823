"""What the client makes of a rail that answers oddly."""

import json
import logging
from typing import Any

import httpx
import pytest
from halfin_rail import FAST, KEY, batch, http_server, line
from starlette.requests import Request
from starlette.responses import Response

from orchestrator import halfin
from orchestrator.halfin import HalfinClient, Outcome, RailAnswer

TAKEN = {"data": {"id": "b", "payouts": [{"id": "p", "status": "processing"}]}, "meta": {}}


def reply(content: Any, status: int = 200, **headers: str) -> Response:
    text = content if isinstance(content, str) else json.dumps(content)
    return Response(text, status, {k.replace("_", "-"): v for k, v in headers.items()})


def refusal(status: int, code: str) -> Response:
    return reply({"error": {"code": code, "message": "no", "details": ["a", 1]}}, status)


def odd_rail(*answers: Response, attempts: int = 5) -> RailAnswer:
    """What the client makes of a rail that gives these answers, one after the other."""
    left = iter(answers)
    with (
        http_server(lambda request, body: next(left)) as url,
        HalfinClient(url, KEY, attempts=attempts, **FAST) as client,
    ):
        return client.post_batch(batch(line(1)))


@pytest.mark.parametrize(
    "odd",
    [
        {"data": {}},
        {"data": {"id": "b"}},
        {"data": {"id": "b", "payouts": [{}]}},
        {"data": {"id": 7, "payouts": []}},
        {"data": None},
        [1],
        "<html>a login page</html>",
        '{"data": {"id": "b", "payo',
        "",
    ],
)
def test_a_success_of_another_shape_is_unknown(odd: Any) -> None:
    answer = odd_rail(*[reply(odd) for _ in range(2)], attempts=2)
    assert (answer.http_status, answer.outcome) == (200, Outcome.UNKNOWN)
    assert answer.is_doubtful


def test_half_an_answer_framed_as_a_whole_is_asked_again() -> None:
    answer = odd_rail(reply('{"data": {"id"'), reply(TAKEN, 201))
    assert answer.outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("status", [302, 307, 402, 403, 404, 409, 413, 422])
def test_what_a_person_must_see_stops(status: int) -> None:
    answer = odd_rail(refusal(status, "validation_error"))
    assert (answer.http_status, answer.outcome) == (status, Outcome.STOPPED)
    assert answer.details == ("a", "1")


@pytest.mark.parametrize("content", ["", "<html>", "null", '{"error": []}', {"error": {"code": 4}}])
def test_a_400_that_does_not_say_why_stops(content: Any) -> None:
    assert odd_rail(reply(content, 400)).outcome is Outcome.STOPPED


def test_a_low_balance_after_a_lost_answer_may_be_our_own_doing() -> None:
    assert odd_rail(refusal(400, "invalid_state")).outcome is Outcome.REJECTED
    assert odd_rail(reply("", 500), refusal(400, "invalid_state")).outcome is Outcome.STOPPED
    assert odd_rail(reply("", 500), refusal(400, "validation_error")).outcome is Outcome.REJECTED
    busy = reply("", 429, Retry_After="0")
    assert odd_rail(busy, refusal(400, "invalid_state")).outcome is Outcome.REJECTED


def test_too_long_an_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(halfin, "MAX_ANSWER_BYTES", 10)
    answer = odd_rail(reply(TAKEN, 201))
    assert (answer.body, answer.outcome, answer.is_doubtful) == ("", Outcome.UNKNOWN, True)


def test_every_attempt_sends_the_same_bytes(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[tuple[str, str | None, bytes]] = []

    def answer(request: Request, body: bytes) -> Response:
        seen.append((request.headers["X-API-Key"], request.headers["Content-Type"], body))
        return reply(TAKEN, 201) if len(seen) == 3 else reply("", 503)

    caplog.set_level(logging.DEBUG)
    body = b' {"idempotency_key":"\xc3\xa9", "payouts":[] }\n'
    with http_server(answer) as url, HalfinClient(url, KEY, **FAST) as client:
        assert client.post_batch(body, path="/v2/bulk").outcome is Outcome.ACCEPTED
        assert KEY not in repr(client) + caplog.text
    assert seen == [(KEY, "application/json", body)] * 3
    assert "503" in caplog.text


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
    assert halfin._retry_after(httpx.Response(429, headers=headers)) == seconds
