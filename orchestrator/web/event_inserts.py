"""Inserts of raw events, a commit each, over a few connections that are kept.

The prepared statement is run through psycopg.pq. A connection of the pool and a cursor for each
event take four times the processor time, and that is what limits how many events are received.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn
from psycopg_pool import AsyncConnectionPool, PoolTimeout

CONNECTIONS, LONGEST_WAIT_S, CHECKED_EVERY_S = 8, 5.0, 0.5
NAME = b"insert_event"
INSERT = (
    b"insert into halfin.webhook_events (signature, body) values ($1, $2) on conflict do nothing"
)
FORMATS = (Format.TEXT, Format.BINARY)


@dataclass(frozen=True, eq=False)
class _Event:
    values: tuple[bytes, bytes]
    since: float
    stored: asyncio.Future[None]

    def tell(self, error: psycopg.Error | None) -> None:
        """Whoever waits for it, if somebody does, that it is stored, or why it is not."""
        if self.stored.done():
            return
        if error:
            self.stored.set_exception(error)
        else:
            self.stored.set_result(None)


class EventInserts:
    """Inserts on the webhook login's URL, in the order of arrival; of one event loop."""

    def __init__(self, database: str) -> None:
        self._pool = AsyncConnectionPool(
            database,
            min_size=1,
            max_size=CONNECTIONS,
            timeout=LONGEST_WAIT_S,
            open=False,
            kwargs={"autocommit": True},
            configure=_prepare,
        )
        self._waiting: deque[_Event] = deque()
        self._bursts: set[asyncio.Task[None]] = set()
        self._running = 0

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Connections while it lasts. The database need not answer at its start."""
        await self._pool.open()
        expiry = asyncio.create_task(self._expire())
        try:
            yield
        finally:
            expiry.cancel()
            await self._pool.close()

    async def insert(self, signature: str, body: bytes) -> None:
        """Returns once the event is durable, now or already. Raises psycopg.Error."""
        loop = asyncio.get_running_loop()
        event = _Event((signature.encode(), body), loop.time(), loop.create_future())
        self._waiting.append(event)
        if self._running < CONNECTIONS:
            self._running += 1
            burst = asyncio.create_task(self._run())
            self._bursts.add(burst)
            burst.add_done_callback(self._bursts.discard)
        await event.stored

    async def _run(self) -> None:
        """Insert on one connection for as long as events wait."""
        try:
            while self._waiting and not self._pool.closed:
                # Who sent the event that failed is told; the others wait on.
                with suppress(psycopg.Error):
                    async with self._pool.connection() as connection:
                        await _Burst(connection.pgconn, self._waiting).run()
        finally:
            # In one step with the last look at what waits: who comes later begins another.
            self._running -= 1

    async def _expire(self) -> None:
        """Refuse events for which no connection was free in time."""
        while True:
            await asyncio.sleep(CHECKED_EVERY_S)
            latest = asyncio.get_running_loop().time() - LONGEST_WAIT_S
            while self._waiting and self._waiting[0].since <= latest:
                self._waiting.popleft().tell(PoolTimeout("no connection was free"))


class _Burst:
    """The events that wait, one after another on one connection."""

    def __init__(self, connection: PGconn, waiting: deque[_Event]) -> None:
        self._connection, self._waiting = connection, waiting
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._event: _Event | None = None
        self._error: psycopg.Error | None = None

    async def run(self) -> None:
        """Until no event waits. Raises psycopg.Error where the connection is lost."""
        socket = self._connection.socket
        self._loop.add_reader(socket, self._read)
        try:
            self._send()
            await self._over
        finally:
            self._loop.remove_reader(socket)
            self._loop.remove_writer(socket)

    def _send(self) -> None:
        if not self._waiting:
            self._over.set_result(None)
            return
        self._event, self._error = self._waiting.popleft(), None
        try:
            self._connection.send_query_prepared(NAME, self._event.values, FORMATS)
        except psycopg.Error as error:
            self._lose(error)
        else:
            self._flush()

    def _flush(self) -> None:
        """Write as much as the socket takes: of a large body the rest once it takes more."""
        try:
            if self._connection.flush():
                self._loop.add_writer(self._connection.socket, self._flush)
            else:
                self._loop.remove_writer(self._connection.socket)
        except psycopg.Error as error:
            self._lose(error)

    def _read(self) -> None:
        try:
            self._connection.consume_input()
            while not self._connection.is_busy():
                result = self._connection.get_result()
                if result is None:  # the statement's end: it is committed, or refused
                    if self._event:
                        self._event.tell(self._error)
                    self._send()
                    return
                if result.status != ExecStatus.COMMAND_OK:
                    self._error = psycopg.DatabaseError(result.get_error_message())
        except psycopg.Error as error:
            self._lose(error)

    def _lose(self, error: psycopg.Error) -> None:
        if self._event:
            self._event.tell(error)
        if not self._over.done():
            self._over.set_exception(error)


async def _prepare(connection: psycopg.AsyncConnection[Any]) -> None:
    result = await asyncio.to_thread(connection.pgconn.prepare, NAME, INSERT)
    if result.status != ExecStatus.COMMAND_OK:
        raise psycopg.DatabaseError(result.get_error_message())
