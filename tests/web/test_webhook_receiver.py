"""The webhook receiver as a process of its own: what it takes, what it refuses, what it says."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from orchestrator.network.addresses import authorities
from orchestrator.services.processes import service
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import DUE, WINDOW, Line, Market, books, eventually, rail
from tests.halfin.sandbox import SIGNING
from tests.support.settings import SettleHome

OLD_SECRET = SIGNING[::-1]
EVENT = b'{"event": "payout.created", "data": {"id": "p1"}}'
SERVE = ["serve", "--port", "0"]


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        market.at(DUE)
        yield market


@pytest.fixture(scope="module")
def url(market: Market, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    environment = market.environment(HALFIN_WEBHOOK_SECRET=f"{SIGNING}, {OLD_SECRET}")
    log = tmp_path_factory.mktemp("receiver") / "log"
    with service(SERVE, environment, log) as url:
        yield url
    assert log.read_text() == ""


def post(url: str, body: bytes, signature: str | None = None) -> httpx.Response:
    signature = sign(SIGNING, int(time.time()), body) if signature is None else signature
    headers = {SIGNATURE_HEADER: signature, "Content-Type": "application/json"}
    return httpx.post(
        url, content=body, headers=headers, trust_env=False, verify=authorities(), timeout=30
    )


def event_count(market: Market) -> int:
    return int(market.value("dora", "select count(*) from halfin.webhook_events"))


def test_signed_event_is_stored_byte_for_byte_once(market: Market, url: str) -> None:
    body = b'{ "event":"payout.created","data":{"id":"p\xc3\xa9"} }\n'
    answers = [post(url, body) for _ in range(2)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b"")] * 2
    stored = market.rows(
        "dora", "select body, event_type, payout_id, received_at from halfin.webhook_events"
    )
    assert [tuple(row.values()) for row in stored] == [(body, "payout.created", "pé", DUE)]


@pytest.mark.parametrize(
    ("secret", "age_s", "body", "status"),
    [
        (SIGNING, 0, EVENT, 204),
        (OLD_SECRET, 0, EVENT, 204),
        ("another", 0, EVENT, 401),
        (SIGNING, 290, EVENT, 204),
        (SIGNING, 310, EVENT, 401),
        (SIGNING, -310, EVENT, 401),
        (SIGNING, 0, b"not JSON", 400),
        (SIGNING, 0, b"", 400),
        (SIGNING, 0, b'[{"event": "payout.created"}]', 400),
        (SIGNING, 0, b"[" * 100_000, 400),
        ("another", 0, b"not JSON", 401),
    ],
)
def test_rejections_have_an_empty_body_and_store_nothing(
    market: Market, url: str, secret: str, age_s: int, body: bytes, status: int
) -> None:
    before = event_count(market)
    answer = post(url, body, sign(secret, int(time.time()) - age_s, body))
    assert (answer.status_code, answer.content) == (status, b"")
    assert status == 204 or event_count(market) == before


@pytest.mark.parametrize("signature", ["", "t=,v1=", "v1=00", "t=1,t=2,v1=00", "t=٣,v1=é"])
def test_malformed_signatures_are_rejected(url: str, signature: str) -> None:
    answer = httpx.post(
        url, content=EVENT, headers={SIGNATURE_HEADER: signature.encode()}, trust_env=False
    )
    assert (answer.status_code, answer.content) == (401, b"")


def test_signature_age_uses_the_real_clock(market: Market, url: str) -> None:
    settlement_time = int(DUE.timestamp())
    assert abs(settlement_time - time.time()) > 300
    assert post(url, EVENT, sign(SIGNING, settlement_time, EVENT)).status_code == 401


def test_oversized_bodies_are_rejected(market: Market, url: str) -> None:
    before = event_count(market)
    body = b'{"event": "' + b"x" * 10_000_000 + b'"}'
    with suppress(httpx.WriteError):  # it may hang up before it was told all
        answer = post(url, body)
        assert (answer.status_code, answer.text) == (413, "Content Too Large")
    chunked = httpx.post(
        url,
        content=(b" " * 100_000 for _ in range(20)),
        headers={SIGNATURE_HEADER: "t=1,v1=00"},
        trust_env=False,
    )
    assert chunked.status_code == 413
    assert event_count(market) == before
    assert post(url, EVENT).status_code == 204


def test_only_post_to_the_webhook_path_is_accepted(url: str) -> None:
    with httpx.Client(trust_env=False) as http:
        assert http.get(url).status_code == 405
        assert http.put(url, content=EVENT).status_code == 405
        assert http.post(url + "/x", content=EVENT).status_code == 404
        root = url.removesuffix("/webhooks/halfin")
        assert http.get(root).status_code == 404
        assert http.get(root + "/healthz").text == "ok\n"


def test_port_in_use_is_reported_in_one_line(market: Market) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = market.settle("serve", "--port", str(port))
        out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert said == (
        f"settle: cannot listen on 127.0.0.1:{port} (Address already in use):"
        " stop what runs there, or choose another port with --port\n"
    )


def test_events_are_not_acknowledged_without_a_database(
    settle_home: SettleHome, tmp_path: Path
) -> None:
    settings = settle_home("receiver")
    server = EmbeddedPostgres(settings.home)
    environment = {"SETTLE_HOME": str(settings.home), "HALFIN_WEBHOOK_SECRET": SIGNING}
    environment |= {"SETTLE_NOW": "", "SETTLE_DATABASE_URL": ""}
    with service(SERVE, environment, tmp_path / "log") as url:
        assert post(url, EVENT).status_code == 204
        server.stop()
        answers = [post(url, EVENT) for _ in range(2)]
        assert [(a.status_code, a.content) for a in answers] == [(503, b"")] * 2
        server.start()
        eventually(lambda: post(url, EVENT).status_code == 204)


def test_duplicate_webhooks_of_a_thousand_payouts_count_once(tmp_path: Path) -> None:
    with Market.open(is_fresh=True) as market:
        market.approved(*(Line(f"s{n}", 100 + n, "SPL") for n in range(1000)))
        with (
            service(SERVE, market.environment(), tmp_path / "log") as receiver,
            rail(webhook_url=receiver, duplicate_webhooks=True, failure_rate=0.05) as url,
        ):
            market.pay(url)
            eventually(lambda: books(url)["webhooks"]["acknowledged"] == 2000)
            by_status = books(url)["by_status"]
            assert 0 < by_status["failed"] < 100 < sum(by_status.values()) == 1000
            assert event_count(market) == 1000
            states = market.rows(
                "dora", "select state, count(*) from finance.payout_lines group by state"
            )
            assert {row["state"]: row["count"] for row in states} == by_status
            assert reconcile(market.at_rail(url)) == by_status["failed"]
        back = "select count(*) from finance.payout_lines where returned_at is not null"
        assert market.value("dora", back) == by_status["failed"]
        assert market.kinds("breaks") == market.kinds("alerts") == []
        body = market.rows("dora", "select body from halfin.webhook_events limit 1")[0]["body"]
        assert json.loads(body)["data"]["metadata"]["payout_window"] == WINDOW
