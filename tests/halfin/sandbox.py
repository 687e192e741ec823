"""What the tests of the rail share: a sandbox and a client, and servers that answer oddly."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import base58
import httpx
import uvicorn
from eth_utils.address import to_checksum_address
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.halfin import BATCH_PATH, HalfinClient, RailResponse
from orchestrator.halfin.signature import SIGNATURE_HEADER, verify
from orchestrator.halfin_sandbox import SandboxConfig, running
from orchestrator.network.addresses import authorities

KEY = "sk_test_" + "0a" * 32
SIGNING = "whsec-of-the-tests"
FAST: dict[str, Any] = {"wait_initial_s": 0.01, "wait_max_s": 0.02}
PAYOUT_PATH = "/v1/payouts"


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


def post(client: HalfinClient, body: bytes, path: str = BATCH_PATH) -> RailResponse:
    return client.post(path, lambda: [body])


def post_one(client: HalfinClient, one: dict[str, Any]) -> RailResponse:
    """A payout by itself."""
    return post(client, json.dumps(one).encode(), PAYOUT_PATH)


def attempts(client: HalfinClient, body: bytes) -> list[RailResponse]:
    """What came of each attempt at a batch; the last is what the client returns."""
    seen: list[RailResponse] = []
    assert client.post(BATCH_PATH, lambda: [body], after=seen.append) is seen[-1]
    return seen


def refusal(answer: RailResponse) -> tuple[str, list[str]]:
    """The code and the details of an answer that is a refusal."""
    assert not answer.is_success
    error = json.loads(answer.body)["error"]
    return error["code"], error["details"]


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
    headers = {"X-API-Key": key}
    return httpx.request(
        method, root + path, headers=headers, trust_env=False, verify=authorities()
    )


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


@dataclass(frozen=True)
class Hook:
    """A webhook as it arrived."""

    arrived_at: datetime
    is_signed: bool
    event: str
    data: dict[str, Any]


@contextmanager
def hooked_rail(**settings: Any) -> Iterator[tuple[HalfinClient, list[Hook]]]:
    """A sandbox with a receiver that refuses what is not signed; and what arrived, in order."""
    arrived: list[Hook] = []

    def receive(request: Request, body: bytes) -> Response:
        told = json.loads(body)
        signature = request.headers[SIGNATURE_HEADER]
        is_signed = verify(signature, body, [SIGNING], int(time.time()))
        arrived.append(Hook(datetime.now(UTC), is_signed, told["event"], told["data"]))
        return Response(status_code=204 if is_signed else 401)

    with http_server(receive) as url, rail(webhook_url=url, **settings) as client:
        yield client, arrived
