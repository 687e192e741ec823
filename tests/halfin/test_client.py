"""The rail's client against the sandbox, over real HTTP on loopback."""

import asyncio
import socket
import time
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.errors import SettleError
from orchestrator.halfin import BATCH_PATH, HalfinClient, key_environment
from tests.events.receiver import dripping
from tests.halfin.sandbox import (
    FAST,
    KEY,
    PAYOUT_PATH,
    ask,
    attempts,
    batch,
    line,
    lines,
    post,
    post_one,
    rail,
    refusal,
    until,
)


def test_a_batch_is_accepted_and_a_repeat_returns_the_original() -> None:
    with rail(auto_approve=False) as client:
        first, again = post(client, batch(*lines(3))), post(client, batch(*lines(3)))
        assert (first.http_status, again.http_status) == (201, 200)
        assert first.is_success
        assert again.is_success
        assert first.data == again.data == client.get(BATCH_PATH, first.data["id"]).data
        assert [p["idempotency_key"] for p in first.data["payouts"]] == ["l0", "l1", "l2"]
        assert {p["status"] for p in first.data["payouts"]} == {"pending_approval"}
        assert first.request_id != again.request_id
        second = first.data["payouts"][1]
        assert client.get(PAYOUT_PATH, second["id"]).data == second
        assert ask(client, "/sandbox/release", "POST").json() == {"released": 3}
        until(lambda: client.get(BATCH_PATH, first.data["id"]).data["status"] == "completed")
        payouts = client.get(BATCH_PATH, first.data["id"]).data["payouts"]
        assert all(p["tx_hash"] and Decimal(p["network_fee"]) for p in payouts)


def test_a_key_is_good_for_one_body() -> None:
    with rail() as client:
        post(client, batch(line(1)))
        for body in (batch(line(1, amount="9")), batch(line(1), key="b2")):
            answer = post(client, body)
            assert (answer.http_status, refusal(answer)[0]) == (409, "conflict")
            assert not answer.is_worth_a_retry
        assert post_one(client, line(1)).http_status == 409
        single = [post_one(client, line(2)) for _ in range(2)]
        assert [a.http_status for a in single] == [201, 200]
        assert single[0].data["id"] == single[1].data["id"]
        assert ask(client, "/sandbox/state").json()["payouts"] == 2


def test_a_wrong_key_stops() -> None:
    with rail(api_key="sk_live_" + "1" * 64) as client:
        answer = client.balances()
        assert (answer.http_status, refusal(answer)[0]) == (401, "unauthorized")
        assert not answer.is_worth_a_retry
        assert client.currencies().is_success
        assert client.get(PAYOUT_PATH, "../balances?x").http_status == 404


def test_a_full_rate_limit_is_waited_for() -> None:
    with rail(rate_limit=2, rate_window_s=1.0) as client:
        begun = time.monotonic()
        assert all(client.balances().is_success for _ in range(3))
        assert time.monotonic() - begun >= 1.0
        refused = [ask(client, "/api/v1/balances") for _ in range(3)][-1]
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize(
    "fault", ["error_rate_500", "error_rate_503", "accept_then_drop_rate", "cut_body_rate"]
)
def test_a_fault_is_retried_and_pays_once(fault: str) -> None:
    faults: dict[str, Any] = {fault: 1.0, "fault_limit": 2}
    with rail(**faults) as client:
        *lost, answer = attempts(client, batch(*lines(5)))
        assert [(a.is_worth_a_retry, a.was_sent) for a in lost] == [(True, True)] * 2
        assert answer.is_success
        assert len(answer.data["payouts"]) == 5
        state = ask(client, "/sandbox/state").json()
        assert (state["batches"], state["payouts"], state["idempotency_keys"]) == (1, 5, 6)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"error_rate_429": 1.0}, 429),
        ({"error_rate_503": 1.0}, 503),
        ({"accept_then_drop_rate": 1.0}, 0),
        ({"cut_body_rate": 1.0}, 200),
        ({"slow_s": 0.5, "timeout_s": 0.1}, 0),
    ],
)
def test_when_retries_run_out_the_last_answer_is_given(fault: dict[str, Any], status: int) -> None:
    with rail(attempts=2, **fault) as client:
        tried = attempts(client, batch(line(1)))
        assert [(a.is_success, a.is_worth_a_retry) for a in tried] == [(False, True)] * 2
        assert tried[-1].http_status == status
        assert [a.was_sent for a in tried] == [status != 429] * 2


@pytest.mark.parametrize(
    ("begins", "status"),
    [
        (b"HTTP/1.1 201 Created\r\n", 0),
        (b"HTTP/1.1 201 Created\r\nContent-Length: 9999\r\n\r\n", 201),
        (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 9999\r\n\r\n", 400),
    ],
    ids=["headers", "a body", "a refusal"],
)
def test_a_rail_that_sends_a_byte_now_and_then_ends_in_time(begins: bytes, status: int) -> None:
    """No wait is long, and the whole is: what came of the request nobody knows."""
    with (
        dripping(begins) as url,
        HalfinClient(f"{url}api", KEY, attempts=1, total_s=0.3, **FAST) as client,
    ):
        began = time.monotonic()
        answer = post(client, batch(line(1)))
        assert time.monotonic() - began < 2
    assert (answer.http_status, answer.was_sent, answer.is_whole) == (status, True, False)
    assert answer.said == "ReadTimeout: the response did not end in 0.3 s"


def test_who_asks_may_be_within_an_event_loop() -> None:
    """As what drives a browser is, and some of Dagster's."""

    async def within() -> int:
        with rail() as client:
            return post(client, batch(line(1))).http_status

    assert asyncio.run(within()) == 201


def test_a_refused_connection_sent_nothing() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api"
        with HalfinClient(url, KEY, attempts=2, **FAST) as client:
            answer = post(client, batch(line(1)))
    assert (answer.http_status, answer.was_sent, answer.is_worth_a_retry) == (0, False, True)
    assert answer.said.startswith("ConnectError: ")


@pytest.mark.parametrize(
    "key", ["", "sk_test_", KEY + "0", KEY + "\n", KEY.upper(), "sk_prod_" + "0" * 64]
)
def test_a_malformed_key_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(SettleError, match="HALFIN_API_KEY is") as error:
        key_environment(key)
    assert "0a0a" not in str(error.value)
    assert "\n" not in str(error.value)


def test_the_environment_stands_in_the_key() -> None:
    assert [key_environment(f"sk_{e}_" + "f" * 64) for e in ("test", "live")] == ["test", "live"]


@pytest.mark.parametrize(
    "url", ["", "nowhere", "ftp://x", "http://rail.example/api", "https://me:pw@rail.example/api"]
)
def test_an_address_that_would_leak_the_key_is_refused(url: str) -> None:
    with pytest.raises(SettleError, match="HALFIN_BASE_URL"):
        HalfinClient(url, KEY)
