"""A receiver of events that takes nothing it cannot verify, and what it was sent."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Any

import jsonschema
from standardwebhooks import Webhook
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.config import PROJECT_ROOT, Settings
from orchestrator.events.endpoint import Endpoint
from orchestrator.events.poster import post_waiting
from tests.functions.market import Market
from tests.functions.payment_server import OWNER
from tests.halfin.sandbox import http_server

SECRET = "whsec_" + "c2V0dGxlIHRlbGxz" * 3  # 36 bytes
SCHEMA = json.loads((PROJECT_ROOT / "docs" / "events.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
EVENTS = """
select
    e.event_id, e.event_type, e.seller_id, e.sequence, e.data, d.attempts, d.last_problem,
    d.posted_at is not null as is_posted, d.given_up_at is not null as is_given_up
from finance.events as e
inner join finance.event_deliveries as d on e.event_number = d.event_number
order by e.event_number
"""
# One event of a seller, written and committed as any other.
WRITE = """
select finance.write_event('payout.submitted', %s, %s, null, jsonb_build_object(
    'seller_id', %s::text, 'payout_window', %s::text, 'line_id', %s::text, 'amount', '1.00',
    'currency', 'USD', 'rail', 'SPL', 'rail_currency', 'USDT_SPL', 'payout_id', 'p'
))
"""


@dataclass
class Receiver:
    """What arrived, in order: each request that was verified, with its id and body."""

    answer: Callable[[dict[str, Any]], Response] = lambda _: Response(status_code=204)
    secret: str = SECRET
    arrived: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    url: str = ""

    def take(self, request: Request, body: bytes) -> Response:
        Webhook(self.secret).verify(body, dict(request.headers))
        event = json.loads(body)
        VALIDATOR.validate(event)
        self.arrived.append((request.headers["webhook-id"], event))
        return self.answer(event)

    def settings(self, market: Market, **other: Any) -> Settings:
        known = {"events_url": self.url, "events_secrets": (SECRET,)}
        return replace(market.settings, **(known | other))

    def post(self, market: Market, timeout_s: float = 5.0, **other: Any) -> int:
        """What `settle post-events --once` does."""
        settings = self.settings(market, **other)
        with Endpoint(settings, timeout_s) as endpoint:
            return post_waiting(settings, endpoint).taken

    @property
    def types(self) -> list[str]:
        return [event["type"] for _, event in self.arrived]

    def check(self, market: Market) -> None:
        """Each event that was committed has arrived, a seller's in order; nothing else did."""
        known = events(market)
        first: dict[str, dict[str, Any]] = {}
        for event_id, event in self.arrived:
            assert first.setdefault(event_id, event) == event
        assert {*first} == {event["event_id"] for event in known}
        for seller in {event["seller_id"] for event in known}:
            order = [
                e["data"]["sequence"] for e in first.values() if e["data"]["seller_id"] == seller
            ]
            assert order == list(range(1, len(order) + 1)), seller


@contextmanager
def receiver(**how: Any) -> Iterator[Receiver]:
    """One that listens in a thread."""
    it = Receiver(**how)
    with http_server(it.take) as url:
        it.url = f"{url}/events"
        yield it


@contextmanager
def dripping(begins: bytes = b"HTTP/1.1 200 OK\r\n") -> Iterator[str]:
    """A receiver that sends a byte of its headers now and then, and never ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    client.sendall(begins)
                    for _ in range(200):
                        client.sendall(b"x")
                        time.sleep(0.02)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def events(market: Market) -> list[dict[str, Any]]:
    return market.rows("dora", EVENTS)


def write(market: Market, *sellers: str, window: str = "2026-W47", who: str = OWNER) -> None:
    """An event of each seller, in one transaction each; the window is closed."""
    for place, seller in enumerate(sellers):
        market.rows(who, WRITE, seller, window, seller, window, f"line-{place}")
