"""Dagster's history of runs in Postgres: its own storage, with connections that stay open.

Dagster opens a connection for each statement, and asks the catalog again for each event whether its
tables have the columns that they have. A close writes 500 events.
"""

import select
from typing import Any, Self

from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

STATEMENT_TIMEOUT_MS = 60_000
POOL_RECYCLE_S, MAX_OVERFLOW = 3600, 20


class EventHistory(PostgresEventLogStorage):
    """Dagster's own, but that a table or column which was found once is not looked for again."""

    def __init__(self, postgres_url: str) -> None:
        self._tables: set[str] = set()
        self._columns: set[str] = set()
        super().__init__(postgres_url)

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table; none is ever dropped."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def has_asset_key_col(self, column_name: str) -> bool:
        """Whether the table of assets has such a column; none is ever dropped."""
        if column_name not in self._columns and super().has_asset_key_col(column_name):
            self._columns.add(column_name)
        return column_name in self._columns


class History(DagsterPostgresStorage):
    """Runs, events and schedules, as a home's dagster.yaml names them."""

    def __init__(self, postgres_url: str, inst_data: Any = None) -> None:
        super().__init__(postgres_url, inst_data=inst_data)
        self._events = EventHistory(postgres_url)
        for part in (self.run_storage, self._events, self.schedule_storage):
            part.optimize_for_webserver(
                statement_timeout=STATEMENT_TIMEOUT_MS,
                pool_recycle=POOL_RECYCLE_S,
                max_overflow=MAX_OVERFLOW,
            )

    @classmethod
    def from_config_value(cls, inst_data: Any, config_value: Any) -> Self:
        """Called by Dagster with what dagster.yaml says."""
        return cls(config_value["postgres_url"], inst_data)

    @property
    def event_log_storage(self) -> EventHistory:
        """What Dagster asks for."""
        return self._events


@event.listens_for(QueuePool, "checkout")
def _refuse_ended(connection: Any, _record: object, _proxy: object) -> None:
    """Have another connection opened where the server has ended this one, as at its restart."""
    # Nothing is asked, and there is something to read.
    if any(select.select([connection], [], [], 0)):
        raise DisconnectionError
