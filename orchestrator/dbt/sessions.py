"""One session of the server for each thread of a build, cleaned between two nodes.

dbt opens a connection for each node. Each proves its password again, and reads the catalog of every
relation that its query names: of a build's processor time more than a quarter.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress

import psycopg2
from dbt.adapters.contracts.connection import Connection
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.adapters.postgres.impl import PostgresAdapter

# A crash of the server may cost the last moment of a build, which is made again. Whatever is stored
# from a build waits for the disk itself, and so for all that was written before it.
UNHURRIED = "set synchronous_commit = off"
# What opening a session says, in one statement.
AS_OPENED = """
select set_config('role', %s, false), set_config('synchronous_commit', 'off', false)
"""


class KeptSessions(PostgresConnectionManager):
    """dbt's own, but that a node hands its session on as it found it: as the server opens one."""

    _used: set[Hashable]

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """A session of which a commit does not wait for the disk."""
        opened: Connection = super().open(connection)  # type: ignore[no-untyped-call]
        with opened.handle.cursor() as cursor:
            cursor.execute(UNHURRIED)
        opened.handle.commit()
        return opened

    def set_connection_name(self, name: str | None = None) -> Connection:
        """dbt calls this before whatever uses the session of a thread."""
        self.__dict__.setdefault("_used", set()).add(self.get_thread_identifier())
        return super().set_connection_name(name)

    def release(self) -> None:
        """Clean the session for the next node; one that cannot be cleaned is closed."""
        connection = self.get_if_exists()
        if connection is None or connection.state != "open":
            super().release()
            return
        thread = self.get_thread_identifier()
        if thread not in self._used:
            return
        self._used.discard(thread)
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            _clean(connection)
            return
        super().release()


def _clean(connection: Connection) -> None:
    """No transaction, setting, role, lock, temporary or prepared thing of a node is left."""
    handle = connection.handle
    handle.reset()  # psycopg2 rolls back and says "discard all"
    connection.transaction_open = False
    with handle.cursor() as cursor:
        cursor.execute(AS_OPENED, [connection.credentials.role])
    handle.commit()


@contextmanager
def kept_sessions() -> Iterator[None]:
    """Builds in this process keep their sessions meanwhile, and close them at their end."""
    usual = PostgresAdapter.ConnectionManager
    PostgresAdapter.ConnectionManager = KeptSessions
    try:
        yield
    finally:
        PostgresAdapter.ConnectionManager = usual
