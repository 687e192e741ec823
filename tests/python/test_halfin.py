"""The rail's client against the sandbox, over real HTTP on loopback."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import base58
import httpx
import pytest
import uvicorn
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator import halfin
from orchestrator.errors import SettleError
from orchestrator.halfin import HalfinClient, Outcome, RailAnswer, key_environment, sign, verify
from orchestrator.sandbox import running, serve
from orchestrator.sandbox_core import SandboxConfig

KEY = "sk_test_" + "0a" * 32
SIGNING = "whsec-of-the-tests"
FAST: dict[str, Any] = {"wait_initial_s": 0.01, "wait_max_s": 0.02}


def line(n: int, **other: Any) -> dict[str, Any]:
    raw = bytes([n % 251 + 1]) * 32
    currency, destination = (
        ("USDT_ERC20", to_checksum_address("0x" + raw[:20].hex())),
        ("USDT_TRC20", base58.b58encode_check(b"\x41" + raw[:20]).decode()),
        ("USDT_SPL", base58.b58encode(raw).decode()),
    )[n % 3]
    known = {"currency": currency, "amount": f"{n + 1}.250000", "destination": destination}
    return known | {"idempotency_key": f"l{n}", "metadata": {"line_id": f"l{n}"}} | other


def batch(*lines: dict[str, Any], key: str = "b1") -> bytes:
    return json.dumps({"idempotency_key": key, "payouts": lines}).encode()


def lines(count: int) -> list[dict[str, Any]]:
    return [line(n) for n in range(count)]


@contextmanager
def rail(attempts: int = 5, timeout_s: float = 10.0, **settings: Any) -> Iterator[HalfinClient]:
    quick = {"approval_delay_s": 0.0, "processing_delay_s": 0.0, "webhook_base_delay_s": 0.02}
    config = SandboxConfig(**({"api_key": KEY, "webhook_secret": SIGNING} | quick | settings))
    with (
        running(config) as url,
        HalfinClient(url, KEY, attempts=attempts, timeout_s=timeout_s, **FAST) as client,
    ):
        yield client


def ask(client: HalfinClient, path: str, method: str = "GET", key: str = KEY) -> httpx.Response:
    """Past the client: its own calls show no headers, and do not reach the sandbox's own pages."""
    root = repr(client).split("'")[1].removesuffix("/api")
    return httpx.request(method, root + path, headers={"X-API-Key": key}, trust_env=False)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not done():
        assert time.monotonic() < deadline, "nothing happened in 10 s"
        time.sleep(0.01)


@contextmanager
def http_server(answer: Callable[[Request, bytes], Response]) -> Iterator[str]:
    """Anything but the sandbox: a webhook receiver, or a rail that answers oddly."""

    async def endpoint(request: Request) -> Response:
        return answer(request, await request.body())

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(timeout=10)


def odd_rail(*answers: Response, attempts: int = 5) -> RailAnswer:
    """What the client makes of a rail that gives these answers, one after the other."""
    left = iter(answers)
    with (
        http_server(lambda request, body: next(left)) as url,
        HalfinClient(url, KEY, attempts=attempts, **FAST) as client,
    ):
        return client.post_batch(batch(line(1)))


# ---- The client and the rail together ----


def test_a_batch_is_accepted_and_a_repeat_returns_the_original() -> None:
    with rail(auto_approve=False) as client:
        first, again = client.post_batch(batch(*lines(3))), client.post_batch(batch(*lines(3)))
        assert (first.http_status, again.http_status) == (201, 200)
        assert first.outcome is again.outcome is Outcome.ACCEPTED
        assert first.data == again.data == client.get_batch(first.data["id"]).data
        assert [p["idempotency_key"] for p in first.data["payouts"]] == ["l0", "l1", "l2"]
        assert {p["status"] for p in first.data["payouts"]} == {"pending_approval"}
        assert first.request_id != again.request_id
        assert client.get_payout(first.data["payouts"][1]["id"]).data == first.data["payouts"][1]
        assert ask(client, "/sandbox/release", "POST").json() == {"released": 3}
        until(lambda: client.get_batch(first.data["id"]).data["status"] == "completed")
        payouts = client.get_batch(first.data["id"]).data["payouts"]
        assert all(p["tx_hash"] and Decimal(p["network_fee"]) for p in payouts)


def test_a_key_is_good_for_one_body() -> None:
    with rail() as client:
        client.post_batch(batch(line(1)))
        for body in (batch(line(1, amount="9")), batch(line(1), key="b2")):
            answer = client.post_batch(body)
            assert (answer.http_status, answer.error_code) == (409, "conflict")
            assert answer.outcome is Outcome.STOPPED
        assert client.post_payout(json.dumps(line(1)).encode()).http_status == 409
        single = [client.post_payout(json.dumps(line(2)).encode()) for _ in range(2)]
        assert [a.http_status for a in single] == [201, 200]
        assert single[0].data["id"] == single[1].data["id"]
        assert ask(client, "/sandbox/state").json()["payouts"] == 2


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        ({"destination": line(1)["destination"]}, "destination: is not a valid SOLANA address"),
        ({"destination": line(2)["destination"] + "\n"}, "destination: is not a valid"),
        ({"amount": "0.0"}, "amount: must be above 0"),
        ({"amount": "1.0000001"}, "amount: must be above 0, with at most 6"),
        ({"amount": 5}, "amount: must be text"),
        ({"currency": "USDT_BEP20"}, "currency: USDT_BEP20 is not known"),
        ({"description": "x" * 1001}, "description: must be text of at most 1000"),
        ({"metadata": dict.fromkeys(map(str, range(51)))}, "metadata: must be an object"),
    ],
)
def test_one_bad_line_refuses_the_whole_batch(bad: dict[str, Any], detail: str) -> None:
    with rail() as client:
        answer = client.post_batch(batch(line(0), line(1), line(2, **bad)))
        assert (answer.http_status, answer.error_code) == (400, "validation_error")
        assert answer.outcome is Outcome.REJECTED
        assert len(answer.details) == 1
        assert answer.details[0].startswith(f"payouts[2].{detail}")
        assert ask(client, "/sandbox/state").json()["idempotency_keys"] == 0


def test_checksums_repeated_keys_and_the_balance() -> None:
    unchecked, last = "0x" + "ab" * 20, line(1)["destination"][-1]
    mistyped = line(1)["destination"][:-1] + ("y" if last == "z" else "z")
    with rail(opening_balance=Decimal(10)) as client:
        for bad in (line(0, destination=unchecked), line(1, destination=mistyped)):
            assert "is not a valid" in client.post_batch(batch(bad)).details[0]
        assert "is used twice" in client.post_batch(batch(line(0), line(0))).details[0]
        short = client.post_batch(batch(line(1, amount="9")))
        assert (short.http_status, short.error_code) == (400, "invalid_state")
        assert short.outcome is Outcome.REJECTED
        assert client.post_batch(batch(line(1, amount="8.9"))).outcome is Outcome.ACCEPTED
        for body in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
            assert client.post_batch(body).outcome is Outcome.REJECTED


def test_a_wrong_key_stops() -> None:
    with rail(api_key="sk_live_" + "1" * 64) as client:
        answer = client.balances()
        assert (answer.http_status, answer.error_code) == (401, "unauthorized")
        assert answer.outcome is Outcome.STOPPED
        assert client.currencies().outcome is Outcome.ACCEPTED
        assert client.get_payout("../balances?x").http_status == 404


def test_a_full_rate_limit_is_waited_for() -> None:
    with rail(rate_limit=2, rate_window_s=1.0) as client:
        begun = time.monotonic()
        assert [client.balances().outcome for _ in range(3)] == [Outcome.ACCEPTED] * 3
        assert time.monotonic() - begun >= 1.0
        refused = [ask(client, "/api/v1/balances") for _ in range(3)][-1]
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")


@pytest.mark.parametrize(
    "fault", ["error_rate_500", "error_rate_503", "accept_then_drop_rate", "cut_body_rate"]
)
def test_a_fault_is_retried_and_pays_once(fault: str) -> None:
    faults: dict[str, Any] = {fault: 1.0, "fault_limit": 2}
    with rail(**faults) as client:
        answer = client.post_batch(batch(*lines(5)))
        assert answer.outcome is Outcome.ACCEPTED
        assert answer.is_doubtful
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
def test_when_retries_run_out_the_outcome_is_unknown(fault: dict[str, Any], status: int) -> None:
    with rail(attempts=2, **fault) as client:
        answer = client.post_batch(batch(line(1)))
        assert answer.outcome is Outcome.UNKNOWN
        assert answer.http_status == status
        assert answer.is_doubtful is (status != 429)


def test_a_refused_connection_is_unknown_and_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api"
        with HalfinClient(url, KEY, attempts=2, **FAST) as client:
            answer = client.post_batch(batch(line(1)))
    assert (answer.http_status, answer.outcome) == (0, Outcome.UNKNOWN)
    assert not answer.is_doubtful


# ---- A rail that answers oddly ----

TAKEN = {"data": {"id": "b", "payouts": [{"id": "p", "status": "processing"}]}, "meta": {}}


def reply(content: Any, status: int = 200, **headers: str) -> Response:
    text = content if isinstance(content, str) else json.dumps(content)
    return Response(text, status, {k.replace("_", "-"): v for k, v in headers.items()})


def refusal(status: int, code: str) -> Response:
    return reply({"error": {"code": code, "message": "no", "details": ["a", 1]}}, status)


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


# ---- Keys and addresses ----


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


# ---- Signatures ----

pieces = st.one_of(
    st.text(), st.sampled_from(["t=", "v1=", ",", "=", "1700000000", "t=1", "9" * 5000])
)


@given(st.text(min_size=1), st.integers(0, 10**12 - 1), st.binary(), st.binary(min_size=1))
def test_only_the_signed_bytes_verify(secret: str, now: int, body: bytes, more: bytes) -> None:
    header = sign(secret, now, body)
    assert verify(header, body, ["other", secret], now)
    assert not verify(header, body + more, [secret], now)
    assert not verify(header, body, [secret + "x", ""], now)
    assert not verify(header.replace("t=", "t=1"), body, [secret], now)


@given(st.lists(pieces).map("".join), st.binary())
def test_garbage_neither_verifies_nor_raises(header: str, body: bytes) -> None:
    assert not verify(header, body, [SIGNING, ""], 1_700_000_000)
    assert not verify(header, body, [], 1_700_000_000)


@pytest.mark.parametrize(
    ("age", "is_fresh"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)]
)
def test_an_old_signature_is_no_signature(age: int, is_fresh: bool) -> None:
    assert verify(sign(SIGNING, 5000, b"x"), b"x", [SIGNING], 5000 + age) is is_fresh


def test_while_a_secret_is_changed_either_signature_counts() -> None:
    old, new = sign("old", 9, b"x"), sign("new", 9, b"x")
    assert verify(old, b"x", ["new", "old"], 9)
    assert verify(f"{old},{new.removeprefix('t=9,')}", b"x", ["new"], 9)
    assert verify(f"t=9, v1=\u00e9,{new.removeprefix('t=9,')}", b"x", ["new"], 9)
    assert not verify(f"t=9,{new}", b"x", ["new"], 9)
    assert not verify(sign("", 9, b"x"), b"x", [""], 9)


# ---- The sandbox's own ----


def test_webhooks_arrive_signed_also_when_the_receiver_was_away() -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def receive(request: Request, body: bytes) -> Response:
        headers = request.headers
        assert verify(headers["X-Halfin-Signature"], body, [SIGNING], int(time.time()))
        seen.append((headers["X-Halfin-Event"], json.loads(body)))
        return Response(status_code=503 if len(seen) <= 4 else 204)

    with (
        http_server(receive) as hook,
        rail(webhook_url=f"{hook}/hook", failure_rate=0.5, duplicate_webhooks=True) as client,
    ):
        batch_id = client.post_batch(batch(*lines(12))).data["id"]
        until(lambda: ask(client, "/sandbox/state").json()["webhooks"]["acknowledged"] == 24)
        state = ask(client, "/sandbox/state").json()
        assert (state["webhooks"]["sent"], len(seen)) == (28, 28)
        payouts = {p["id"]: p for p in client.get_batch(batch_id).data["payouts"]}
        assert {p["status"] for p in payouts.values()} == {"completed", "failed"}
        for name, event in seen:
            data, payout = event["data"], payouts[event["data"]["id"]]
            assert name == event["event"] == f"payout.{payout['status']}"
            assert payout.items() <= data.items()
            assert data["metadata"] == {"line_id": payout["idempotency_key"]}
            assert ("failure_code" in data) is (payout["status"] == "failed")
        assert "payout.failed" in ask(client, "/").text


def test_a_run_repeats_itself() -> None:
    def run() -> list[tuple[str, str]]:
        with rail(failure_rate=0.3, seed=7) as client:
            batch_id = client.post_batch(batch(*lines(20))).data["id"]
            until(lambda: client.get_batch(batch_id).data["status"] == "completed")
            return [(p["id"], p["status"]) for p in client.get_batch(batch_id).data["payouts"]]

    assert run() == run()


def test_the_books_balance_and_survive_a_restart(tmp_path: Path) -> None:
    kept: dict[str, Any] = {"state_file": tmp_path / "rail" / "books.json", "failure_rate": 0.3}
    with rail(auto_approve=False, **kept) as client:
        batch_id = client.post_batch(batch(*lines(20))).data["id"]
        pending = client.balances().data
        assert all(Decimal(row["pending"]) > 0 for row in pending)
    with rail(auto_approve=False, **kept) as client:
        assert client.balances().data == pending
        assert client.post_batch(batch(*lines(20))).http_status == 200
    with rail(**kept) as client:
        until(lambda: client.get_batch(batch_id).data["status"] == "completed")
        payouts = client.get_batch(batch_id).data["payouts"]
        for row in client.balances().data:
            ledger = ask(client, f"/api/v1/balances/{row['currency']}/ledger?limit=100").json()
            assert ledger["meta"]["pagination"]["has_more"] is False
            moves = ledger["data"]
            assert Decimal(moves[0]["balance"]) == sum(Decimal(m["amount"]) for m in moves)
            assert (row["available"], row["pending"]) == (moves[0]["balance"], "0.000000")
            paid = [p for p in payouts if p["currency"] == row["currency"]]
            done = sum(Decimal(p["amount"]) for p in paid if p["status"] == "completed")
            fees = sum(Decimal(p["fee_amount"]) + Decimal(p["network_fee"]) for p in paid)
            assert (Decimal(row["total_paid_out"]), Decimal(row["total_fees"])) == (done, fees)


def test_lists_are_paged() -> None:
    with rail() as client:
        client.post_batch(batch(*lines(5)))
        pages = [ask(client, f"/api/v1/payouts?limit=2&offset={n}").json() for n in (0, 2, 4)]
        assert len({p["id"] for page in pages for p in page["data"]}) == 5
        assert [page["meta"]["pagination"]["has_more"] for page in pages] == [True, True, False]
        assert ask(client, "/api/v1/payouts?limit=101").status_code == 400
        assert ask(client, "/api/v1/nothing").json()["error"]["code"] == "not_found"
        assert ask(client, "/healthz").json() == {"status": "ok"}


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettleError, match=rf"127\.0\.0\.1:{port} .*--port"):
            serve(SandboxConfig(api_key=KEY), port=port)


def test_four_thousand_lines_are_taken_at_once() -> None:
    many = [line(n, destination=line(n % 3)["destination"]) for n in range(4000)]
    with rail() as client:
        begun = time.monotonic()
        assert len(client.post_batch(batch(*many)).data["payouts"]) == 4000
        assert time.monotonic() - begun < 3  # 0.2 to 0.4 s on a quiet machine
