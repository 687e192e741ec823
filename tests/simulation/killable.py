"""A program that can die between any two of its statements, or be overtaken there by another.

What is patched is how `orchestrator.database.connection` opens a connection, nothing of what it
does with it: the connection counts statements, and answers a dead program nothing any more. What
was closed or died is cleared and opened again for the next program, as a new session costs Postgres
more than most of what is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
from psycopg.pq import TransactionStatus

# What `discard all` does, but for plans: nobody sees those, and to make them anew costs more than
# most of what they do. A turn is given back by a function of the lab's, as no login may do it.
FORGET = """
close all; set session authorization default; reset all; deallocate all; unlisten *;
discard sequences; discard temp; select simulation.end_turns()
"""


class Killed(BaseException):
    """The program is gone. No `except Exception` of its own may live on."""


class Program:
    """One run: dies before its statement number `dies_at`, and before `overtaken_at` has a guest.

    A guest, another whole run, comes where no transaction is open, as the two would wait for each
    other in one thread. It is not kept back by the lock of paying, which is courtesy only.
    """

    def __init__(
        self,
        *,
        dies_at: int | None = None,
        guest: Callable[[], None] | None = None,
        overtaken_at: int = 1,
        waits: bool = True,
    ) -> None:
        self.dies_at, self.guest, self.overtaken_at = dies_at, guest, overtaken_at
        self.waits = waits
        self.steps, self.is_dead = 0, False
        self._open: list[Connection] = []

    def step(self, connection: Connection | None = None) -> None:
        """Ahead of each statement, each commit and each call of the network."""
        if self.is_dead:
            raise Killed
        self.steps += 1
        if self.steps == self.dies_at:
            self.die()
        is_idle = connection is None or connection.info.transaction_status is TransactionStatus.IDLE
        if self.guest and self.steps >= self.overtaken_at and is_idle:
            guest, self.guest = self.guest, None
            guest()

    def die(self) -> None:
        self.is_dead = True
        for connection in self._open:
            if connection not in connection.spares:  # given back before, and perhaps another's
                connection.end()
        raise Killed

    @contextmanager
    def running(self, spares: list[Connection]) -> Iterator[None]:
        """Within it, every connection of the product is this program's."""

        def connect(url: str, **options: Any) -> Connection:
            origin = (url, tuple(options.items()))
            spare = next((s for s in spares if s.origin == origin), None)
            if spare:
                spares.remove(spare)
                spare.autocommit = options["autocommit"]
            opened = spare or Connection.connect(url, **options)
            opened.program, opened.origin, opened.spares = self, origin, spares
            opened.prepare_threshold = None  # psycopg would not know what was discarded
            self._open.append(opened)
            return opened

        with patch("orchestrator.database.connection.psycopg", _PsycopgWith(connect)):
            yield


class _PsycopgWith:
    """The module, but for how it connects."""

    def __init__(self, connect: Callable[..., Connection]) -> None:
        self.connect = connect

    def __getattr__(self, name: str) -> Any:
        return getattr(psycopg, name)


class Cursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, *arguments: Any, **options: Any) -> Cursor:
        program = self.connection.program  # type: ignore[attr-defined]
        program.step(self.connection)
        if not program.waits and "take_turn" in str(query):
            query, arguments = "select true as is_ours", ()
        return super().execute(query, *arguments, **options)  # type: ignore[return-value]

    def executemany(self, *arguments: Any, **options: Any) -> None:
        self.connection.program.step(self.connection)  # type: ignore[attr-defined]
        super().executemany(*arguments, **options)

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        self.connection.program.step(self.connection)  # type: ignore[attr-defined]
        yield from super().stream(*arguments, **options)


class Connection(psycopg.Connection[Any]):
    program: Program
    origin: tuple[Any, ...]
    spares: list[Connection]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.cursor_factory = Cursor

    def close(self) -> None:
        """In peace. Of a dead program the server has seen to it already."""
        if not self.program.is_dead:
            self.end(may_undo=False)

    def end(self, *, may_undo: bool = True) -> None:
        """As the server ends a session: the next one that is opened like this is this one.

        What was not committed is undone, and nothing is left but plans.
        """
        status = self.info.transaction_status
        if may_undo and status in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            super().rollback()
            status = self.info.transaction_status
        if status is not TransactionStatus.IDLE:
            super().close()
        elif self not in self.spares:
            self.autocommit = True
            psycopg.Cursor(self).execute(FORGET)
            self.spares.append(self)

    def commit(self) -> None:
        self.program.step(self)
        super().commit()
