"""How people read: in one state of the database each time, with a login that only reads."""

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from orchestrator.config import Settings
from orchestrator.database.connection import clear_errors_of, open_as, rows_of_all
from orchestrator.web.desk.sessions import Session

KEPT_S = 300
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class _Kept:
    session: Session
    until: float
    connection: psycopg.Connection[TupleRow]


class Readers:
    """Connections of the sessions of this process; safe for threads.

    Connecting and planning take longer than most pages' queries, so a session's connection is kept
    for its next page, for KEPT_S at most. What the person may read the database decides each time;
    decisions are never made here.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._idle: list[_Kept] = []
        self._lock = threading.Lock()

    def read(
        self, session: Session, queries: Mapping[str, str], **parameters: Any
    ) -> dict[str, Rows]:
        """The rows of queries of orchestrator/queries by key. Raises SettleError with a line."""
        with clear_errors_of(self._settings, session.reader):
            kept = self._take(session)
            if kept:
                try:
                    return self._read(kept, queries, parameters)
                except psycopg.Error:  # the server was started anew, say, or a view was built anew
                    pass
            fresh = open_as(self._settings, session.reader, session.password)
            fresh.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            fresh.read_only = True
            until = time.monotonic() + KEPT_S
            return self._read(_Kept(session, until, fresh), queries, parameters)

    def forget(self, session: Session) -> None:
        """Close what is kept for a session."""
        while kept := self._take(session):
            kept.connection.close()

    def close(self) -> None:
        """Close all."""
        with self._lock:
            idle, self._idle = self._idle, []
        for kept in idle:
            kept.connection.close()

    def _read(
        self, kept: _Kept, queries: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> dict[str, Rows]:
        try:
            found = rows_of_all(kept.connection, queries, **parameters)
            kept.connection.rollback()
        except BaseException:
            kept.connection.close()
            raise
        with self._lock:
            self._idle.append(kept)
        return found

    def _take(self, session: Session) -> _Kept | None:
        now = time.monotonic()
        with self._lock:
            over = [kept for kept in self._idle if kept.until <= now]
            self._idle = [kept for kept in self._idle if kept.until > now]
            found = next((kept for kept in self._idle if kept.session is session), None)
            if found:
                self._idle.remove(found)
        for kept in over:
            kept.connection.close()
        return found
