"""Whatever reaches the receiver: what is not signed leaves no row, what is signed is kept."""

import http.client
import json
import math
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from orchestrator.services.processes import service
from tests.functions.market import DUE, LINES, Market
from tests.functions.payment_server import OWNER
from tests.halfin.sandbox import SIGNING

FUZZ = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
REFUSALS = {307, 400, 401, 404, 405, 413}  # 307: to the same path without its last slash

NUMBERS = st.integers() | st.floats() | st.sampled_from([10**400, -0.0, 1e308])
WORDS = st.text() | st.sampled_from(
    ["payout.completed", "payout.failed", "USDT_TRC20", "test", "live", "\x00", "\ud800", "9" * 300]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda some: st.lists(some, max_size=4) | st.dictionaries(WORDS, some, max_size=4),
    max_leaves=12,
)
FIELDS = (
    *("id", "status", "amount", "currency", "destination", "environment", "idempotency_key"),
    *("metadata", "tx_hash", "network_fee", "fee_amount", "failure_code", "failure_reason"),
)
EVENTS = st.fixed_dictionaries(
    {"event": WORDS | JSON},
    optional={"data": st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON, "id": JSON},
)


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        market.at(DUE)
        yield market


@pytest.fixture(scope="module")
def receiver(
    market: Market, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, httpx.Client]]:
    log = tmp_path_factory.mktemp("receiver") / "log"
    with (
        service(["serve", "--port", "0"], market.environment(), log) as url,
        httpx.Client(trust_env=False, timeout=30) as client,
    ):
        yield url, client
        assert client.get(f"{url.removesuffix('/webhooks/halfin')}/healthz").status_code == 200
    # No traceback, nothing of what was sent: one line for each that is no HTTP at all.
    assert set(log.read_text().splitlines()) <= {"WARNING:  Invalid HTTP request received."}


def stored(market: Market) -> int:
    return int(market.value("dora", "select count(*) from halfin.webhook_events"))


@FUZZ
@given(
    method=st.sampled_from(["POST", "GET", "PUT", "DELETE", "OPTIONS", "X"]),
    path=st.sampled_from(["/webhooks/halfin", "/webhooks/halfin/", "/", "/healthz/../x", "/%00"]),
    signature=st.binary(max_size=120).map(lambda b: bytes(c for c in b if c >= 32 and c != 127)),
    body=st.binary(max_size=300) | EVENTS.map(lambda e: json.dumps(e).encode()),
)
@example("POST", "/webhooks/halfin", b"t=99999999999999999999,v1=00", b"{}")
@example("POST", "/webhooks/halfin", b"t=1," * 20, b"{}")
def test_unsigned_requests_store_nothing(
    market: Market,
    receiver: tuple[str, httpx.Client],
    method: str,
    path: str,
    signature: bytes,
    body: bytes,
) -> None:
    before = stored(market)
    # Past httpx, which would mend what is broken.
    address = urlsplit(receiver[0])
    raw = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
    raw.request(method, path, body, {SIGNATURE_HEADER: signature})
    answer = raw.getresponse()
    said = answer.read()
    raw.close()
    assert answer.status in REFUSALS, said
    assert len(said) < 400  # a calm page at most
    assert stored(market) == before


@FUZZ
@given(event=EVENTS)
@example({"event": "payout.completed", "data": {"amount": math.nan, "id": "\x00"}})
@example({"event": {"a": math.inf}, "data": {"id": 10**400, "amount": 10**400}})
def test_signed_events_are_stored_exactly_once(
    market: Market, receiver: tuple[str, httpx.Client], event: dict[str, Any]
) -> None:
    url, client = receiver
    body = json.dumps(event).encode()
    kept = "select count(*) from halfin.webhook_events where body = %s"
    for _ in range(2):
        headers = {SIGNATURE_HEADER: sign(SIGNING, int(time.time()), body)}
        assert client.post(url, content=body, headers=headers).status_code == 204
    assert market.value("dora", kept, body) == 1


@FUZZ
@given(data=st.dictionaries(st.sampled_from(FIELDS), JSON), event=WORDS)
def test_events_move_only_the_line_they_match(
    paid: Market, data: dict[str, Any], event: str
) -> None:
    """Events with the key of a line and odd values beside it: no error, and no outcome."""
    key = paid.lines("idempotency_key")[0][0]
    before = paid.lines("seller_id, state")
    body = json.dumps({"event": event, "data": data | {"idempotency_key": key}}).encode()
    insert = "insert into halfin.webhook_events (signature, body) values ('t', %s)"
    paid.rows(OWNER, insert + " on conflict do nothing", body)
    assert paid.lines("seller_id, state") == before


@pytest.fixture(scope="module")
def paid() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        market.approved(*LINES)
        market.freeze()
        yield market
