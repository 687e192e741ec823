"""Sessions that a history keeps: what they ask again is planned once.

A new session costs Postgres more than most of what is asked of it, and most of the time of a build
of little data is planning. What a model's SQL reads is the same from week to week.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url


@dataclass
class Sessions:
    """One of dbt's login for builds, one of the orchestrator's for reading what was built."""

    settings: Settings
    _open: dict[Component, psycopg.Connection[Any]] = field(default_factory=dict)

    @contextmanager
    def builder(self) -> Iterator[psycopg.Connection[Any]]:
        """One transaction of dbt's, committed at the end unless an exception leaves the block."""
        database = self._of(Component.DBT)
        with database.transaction():
            yield database

    def reader(self) -> psycopg.Connection[Any]:
        """Reads each view whole, not by order."""
        return self._of(Component.ORCHESTRATOR, "set enable_nestloop = off")

    def leave(self) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def _of(self, login: Component, first: str = "select") -> psycopg.Connection[Any]:
        if login not in self._open or self._open[login].closed:
            url = database_url(self.settings, login)
            opened = psycopg.connect(url, autocommit=True, prepare_threshold=0)
            opened.prepared_max = None
            opened.execute(first.encode())
            self._open[login] = opened
        return self._open[login]
