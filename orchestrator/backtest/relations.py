"""Views and tables of a backtest's schemas: on the workers of a cluster where dbt's are there."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from orchestrator.backtest.models import Model

VIEW = "create view {} as (\n{}\n)"
TABLE = "create unlogged table {} as (\n{}\n)"
EMPTY_TABLE = "create unlogged table {} as (\n{}\n) with no data"
FILL = "insert into {} (\n{}\n)"
FILL_WINDOW = "insert into {} select * from (\n{}\n) as computed where payout_window = {window}"
# As the macro place: with a seller's facts and stored entries.
PLACE = "select create_distributed_table(%s, 'seller_id', colocate_with => %s)"
BESIDE = "finance.window_close_entries"
# One part after another: a policy is one transaction, and Citus makes no table in one that has
# written parts in parallel.
IN_TURN = "set local citus.multi_shard_modify_mode = 'sequential'"


class Relations:
    """What is made of compiled models, in the transaction of the connection."""

    def __init__(self, connection: psycopg.Connection[TupleRow], *, is_distributed: bool) -> None:
        self.connection = connection
        self.is_distributed = is_distributed
        if is_distributed:
            connection.execute(IN_TURN)

    @contextmanager
    def here_alone(self) -> Iterator[None]:
        """What is made meanwhile is on the coordinator: no worker needs a view."""
        if self.is_distributed:
            self.connection.execute("set local citus.enable_ddl_propagation = off")
        yield
        if self.is_distributed:
            self.connection.execute("set local citus.enable_ddl_propagation = on")

    def make_view(self, model: Model) -> None:
        with self.here_alone():
            self._execute(VIEW, model, relation(model))

    def make_table(self, model: Model, name: sql.Identifier, *, is_filled: bool) -> None:
        """Placed before it is filled: its rows then go from worker to worker."""
        self._execute(TABLE if is_filled and not model.is_on_workers else EMPTY_TABLE, model, name)
        if model.is_on_workers:
            place = [name.as_string(self.connection), BESIDE]
            self.connection.execute(PLACE, place)
            if is_filled:
                self._execute(FILL, model, name)

    def fill(self, model: Model, window: str = "") -> None:
        """With the model's rows, or with those of one window alone."""
        self._execute(FILL_WINDOW if window else FILL, model, relation(model), window)

    def fill_anew(self, model: Model, window: str = "") -> None:
        table = relation(model)
        self.connection.execute(sql.SQL("truncate {}").format(table))
        self.fill(model, window)
        self.connection.execute(sql.SQL("analyze {}").format(table))

    def _execute(
        self, statement: str, model: Model, name: sql.Identifier, window: str = ""
    ) -> None:
        parts = (name, sql.SQL(model.sql))
        self.connection.execute(sql.SQL(statement).format(*parts, window=sql.Literal(window)))


def relation(model: Model, suffix: str = "") -> sql.Identifier:
    return sql.Identifier(model.schema, model.name + suffix)
