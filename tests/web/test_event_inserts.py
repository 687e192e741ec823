"""Inserts of events: a commit and one round trip each, and whom an insert that fails is told to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from orchestrator.config import Component
from orchestrator.database.connection import database_url
from orchestrator.web import event_inserts
from orchestrator.web.event_inserts import CONNECTIONS, EventInserts
from tests.functions.market import DUE, Market
from tests.functions.payment_server import OWNER

EVENT = '{"event": "payout.created", "data": {"id": "%s"}}'
KEPT = "select count(*) from halfin.webhook_events where payout_id like %s"
LOCK = "lock table halfin.webhook_events in share mode"
WAITING = "pg_locks where not granted and relation = 'halfin.webhook_events'::regclass"


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        market.at(DUE)
        yield market


def run(market: Market, work: Callable[[EventInserts], Awaitable[None]]) -> None:
    """In a loop of its own; a wake-up that is lost fails and does not hang."""

    async def limited() -> None:
        inserts = EventInserts(database_url(market.settings, Component.WEBHOOK))
        async with asyncio.timeout(30), inserts.opened():
            await inserts._pool.resize(event_inserts.CONNECTIONS)
            await inserts._pool.wait()
            await work(inserts)

    asyncio.run(limited())


def owner(market: Market) -> "psycopg.Connection[psycopg.rows.TupleRow]":
    return psycopg.connect(database_url(market.settings, Component.OWNER))


def event(name: str) -> bytes:
    return (EVENT % name).encode()


async def waiting(market: Market, count: int) -> None:
    """Until so many inserts wait for the lock."""
    while market.value(OWNER, f"select count(*) from {WAITING}") < count:
        await asyncio.sleep(0.02)


def test_each_event_is_a_transaction_of_its_own(market: Market) -> None:
    """From senders that each wait for an answer: bursts end and begin all the time."""

    async def work(inserts: EventInserts) -> None:
        async def sender(number: int) -> None:
            for turn in range(50):
                await inserts.insert("t=1,v1=00", event(f"own-{number}-{turn}"))

        await asyncio.gather(*(sender(n) for n in range(2 * CONNECTIONS)))

    run(market, work)
    counts = (
        "select count(*) as events, count(distinct xmin::text) as commits"
        " from halfin.webhook_events where payout_id like 'own-%'"
    )
    assert market.rows(OWNER, counts) == [
        {"events": 100 * CONNECTIONS, "commits": 100 * CONNECTIONS}
    ]


def test_an_event_is_one_round_trip_of_a_statement_prepared_before(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_inserts, "CONNECTIONS", 1)

    async def work(inserts: EventInserts) -> None:
        async with inserts._pool.connection() as only:
            only.pgconn.trace(trace.fileno())
        for number in range(10):
            await inserts.insert("t=1,v1=00", event(f"trip-{number}"))
        async with inserts._pool.connection() as only:
            only.pgconn.untrace()

    with (tmp_path / "trace").open("w") as trace:
        run(market, work)
    lines = [line.split("\t") for line in (tmp_path / "trace").read_text().splitlines()]
    sent = [line[3] for line in lines if len(line) > 3 and line[1] == "F"]
    assert {name: sent.count(name) for name in sent} == dict.fromkeys(
        ("Bind", "Describe", "Execute", "Sync"), 10
    )


def test_large_bodies_are_stored_whole(market: Market) -> None:
    bodies = [event(f"large-{n:02}") + b" " * (900_000 + n) for n in range(12)]

    async def work(inserts: EventInserts) -> None:
        await asyncio.gather(*(inserts.insert("t=1,v1=00", body) for body in bodies))

    run(market, work)
    stored = market.rows(
        OWNER,
        "select body from halfin.webhook_events where payout_id like 'large-%%' order by body",
    )
    assert [row["body"] for row in stored] == bodies


def test_a_refused_insert_is_told_to_its_sender_alone(market: Market) -> None:
    async def work(inserts: EventInserts) -> None:
        told = await asyncio.gather(
            *(inserts.insert("bad" if n == 7 else "good", event(f"ref-{n}")) for n in range(40)),
            return_exceptions=True,
        )
        assert [type(t) for t in told] == [type(None)] * 7 + [psycopg.DatabaseError] + [
            type(None)
        ] * 32

    table = "alter table halfin.webhook_events"
    with owner(market) as connection:
        connection.execute(f"{table} add constraint good check (signature <> 'bad')".encode())
    try:
        run(market, work)
    finally:
        with owner(market) as connection:
            connection.execute(f"{table} drop constraint good".encode())
    assert market.value(OWNER, KEPT, "ref-%") == 39


def test_events_of_a_lost_connection_fail_and_later_ones_are_stored(market: Market) -> None:
    async def work(inserts: EventInserts) -> None:
        with owner(market) as locker:
            locker.execute(LOCK)
            lost = [asyncio.create_task(inserts.insert("s", event(f"lost-{n}"))) for n in range(4)]
            await waiting(market, 4)
            locker.execute(f"select pg_terminate_backend(pid) from {WAITING}".encode())
            told = await asyncio.gather(*lost, return_exceptions=True)
        assert [isinstance(t, psycopg.OperationalError) for t in told] == [True] * 4
        await asyncio.gather(*(inserts.insert("s", event(f"later-{n}")) for n in range(40)))

    run(market, work)
    assert market.value(OWNER, KEPT, "lost-%") == 0
    assert market.value(OWNER, KEPT, "later-%") == 40


def test_an_event_waits_for_a_connection_for_some_seconds_at_most(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_inserts, "LONGEST_WAIT_S", 0.2)
    monkeypatch.setattr(event_inserts, "CHECKED_EVERY_S", 0.05)

    async def work(inserts: EventInserts) -> None:
        with owner(market) as locker:
            locker.execute(LOCK)
            begun = [
                asyncio.create_task(inserts.insert("s", event(f"begun-{n}")))
                for n in range(CONNECTIONS)
            ]
            await waiting(market, CONNECTIONS)
            with pytest.raises(PoolTimeout):
                await inserts.insert("s", event("late"))
        await asyncio.gather(*begun)

    run(market, work)
    assert market.value(OWNER, KEPT, "begun-%") == CONNECTIONS
    assert market.value(OWNER, KEPT, "late") == 0
