"""Signed webhooks over real HTTP, as many or as fast as asked for, while a close and a pay run."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import quantiles

import httpx
import psutil

from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from tests.functions.market import CLOSE, DUE, NEXT_WINDOW, WEEK, WINDOW, Line, Market
from tests.functions.payment_server import OWNER
from tests.halfin.sandbox import SIGNING

SENDERS = 8


@dataclass
class Load:
    """What came of the events: milliseconds of each acknowledged one, and what was not."""

    milliseconds: list[float] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.milliseconds) / self.seconds

    @property
    def p99(self) -> float:
        return quantiles(self.milliseconds, n=100)[-1]


def completed(market: Market) -> list[bytes]:
    """The webhook of each line of WINDOW, as the rail sends it when all of them arrive."""
    lines = market.lines(
        "payout_id, rail_currency, (amount_minor / 100.0)::numeric(30, 6)::text, wallet_address,"
        " idempotency_key, line_id",
        f"payout_window = '{WINDOW}'",
    )
    names = ("id", "currency", "amount", "destination", "idempotency_key")
    return [
        json.dumps(
            {
                "event": "payout.completed",
                "created_at": "2026-11-24T08:00:00Z",
                "data": dict(zip(names, values, strict=True))
                | {"status": "completed", "environment": "test", "tx_hash": f"tx-{line}"},
            }
        ).encode()
        for *values, line in lines
    ]


def tests(count: int) -> Iterator[bytes]:
    """Events of the rail's dashboard: kept like any other, and about no line."""
    for number in range(count):
        yield json.dumps({"event": "payout.completed", "type": "test", "data": {"id": f"t{number}"}}
                         ).encode()  # fmt: skip


def send(url: str, bodies: Sequence[bytes], rate: float | None = None) -> Load:
    """Send all from several senders; at `rate` a second where given, else as fast as they can."""
    load, begun = Load(), time.monotonic()

    def deliver(number: int) -> None:
        with httpx.Client(trust_env=False, timeout=60) as http:
            for place in range(number, len(bodies), SENDERS):
                if rate:
                    time.sleep(max(0.0, begun + place / rate - time.monotonic()))
                body = bodies[place]
                signed = {SIGNATURE_HEADER: sign(SIGNING, int(time.time()), body)}
                sent = time.monotonic()
                status = http.post(url, content=body, headers=signed).status_code
                took = 1000 * (time.monotonic() - sent)
                if status == 204:
                    load.milliseconds.append(took)
                else:
                    load.refused.append(status)

    with ThreadPoolExecutor(SENDERS) as senders:
        list(senders.map(deliver, range(SENDERS)))
    load.seconds = time.monotonic() - begun
    return load


@contextmanager
def memory_of(pid: int) -> Iterator[list[float]]:
    """Megabytes that a process holds, sampled twice a second."""
    seen, done = [psutil.Process(pid).memory_info().rss / 2**20], threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            seen.append(psutil.Process(pid).memory_info().rss / 2**20)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()
        seen.append(psutil.Process(pid).memory_info().rss / 2**20)


def next_week(market: Market, rail: str, lines: Sequence[Line]) -> None:
    """Close, approve and pay the next window; the first one's webhooks arrive meanwhile."""
    market.at(CLOSE + WEEK)
    market.build(*lines, weeks=1)
    assert market.store(NEXT_WINDOW)
    market.approve("ana", "ben", window=NEXT_WINDOW)
    market.at(DUE + WEEK)
    assert market.pay(rail, NEXT_WINDOW).state == "accepted"


def lost(market: Market, acknowledged: int, bodies: int) -> list[str]:
    """What is wrong afterwards: an acknowledged event is a row, and each line ends in its state."""
    wrong = []
    events = market.value(OWNER, "select count(*) from halfin.webhook_events")
    if not events == acknowledged == bodies:
        wrong.append(f"{bodies} sent, {acknowledged} acknowledged, {events} kept")
    states = market.lines("l.state", f"payout_window = '{WINDOW}' and l.state <> 'completed'")
    if states:
        wrong.append(f"{len(states)} lines are not completed")
    # These webhooks are not the rail's: its ledger, which the next week's pay reads, has no payout.
    return wrong + [kind for kind in market.kinds("breaks") if kind != "not_in_ledger"]
