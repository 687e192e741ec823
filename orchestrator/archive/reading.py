"""The rows of an archive as text, and what they come to, out of one snapshot of the database."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import psycopg
from psycopg import IsolationLevel, sql

from orchestrator.archive.contents import SQL, Content
from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as, rows, sql_file
from orchestrator.errors import SettleError
from orchestrator.project_variables import seed_rows

SETTLEMENT_CURRENCY = sql.SQL("%(currency)s")


@dataclass(frozen=True)
class Login:
    """A person's, with the password."""

    name: str
    password: str


@dataclass(frozen=True)
class Year:
    """The stored windows that have an instant of a calendar year of the settlement zone.

    `is_closed` says whether the one with its last instant, `last_window`, is among them;
    `decided_by` is the end of the week in which the last one of them is paid.
    """

    installation_id: str
    copied_from: str | None
    currency: str
    settlement_timezone: str
    is_closed: bool
    last_window: str
    latest_close: str
    starts_at: datetime
    ends_at: datetime
    decided_by: datetime
    windows: Sequence[str]


@dataclass(frozen=True)
class Figures:
    """What rows come to: by currency and column, in minor units, as SQL wrote it."""

    rows: int = 0
    sums: dict[str, dict[str, str]] = field(default_factory=dict)
    recorded_at: datetime | None = None


class Reader:
    """Reads one year; nothing is written, and what ran before in the session changes no text."""

    def __init__(self, connection: psycopg.Connection[Any], number: int) -> None:
        self._connection = connection
        self.year = self._find(number)
        self._parameters = {
            "year": str(number),
            "windows": list(self.year.windows),
            "starts_at": self.year.starts_at,
            "ends_at": self.year.ends_at,
            "decided_by": self.year.decided_by,
            "currency": self.year.currency,
            "decimals": json.dumps({r["currency"]: r["decimals"] for r in seed_rows("currencies")}),
        }

    def _find(self, number: int) -> Year:
        found = self._rows(sql.SQL(sql_file("year", SQL)), year=number)
        if not found or not found[0]["windows"]:
            latest = f": the latest is of {found[0]['latest_close']}" if found else ""
            raise SettleError(f"{number} has no stored close{latest}")
        return Year(**found[0])

    def end_snapshot(self) -> None:
        """Let go of what was read: a build waits for who reads what it replaces."""
        self._connection.commit()

    def columns(self, content: Content) -> list[str]:
        """Those of a file; raises SettleError where its relation is not there."""
        found = list(self._types(content))
        if not found:
            raise SettleError(f"{'.'.join(content.relation)} is not there: run settle build")
        return [
            name
            for name in [*found, *(n for n in content.computed if n not in found)]
            if name not in content.without and (content.only is None or name in content.only)
        ]

    def _types(self, content: Content) -> dict[str, bool]:
        relation = sql.Identifier(*content.relation).as_string(self._connection)
        found = self._rows(sql.SQL(sql_file("columns", SQL)), relation=relation)
        return {row["name"]: row["is_text"] for row in found}

    def figures(self, content: Content) -> Figures:
        """The count and sums of a file's rows."""
        recorded = sql.SQL(", ").join(sql.SQL("t.{}").format(_name(c)) for c in content.recorded)
        found = self._rows(
            sql.SQL(sql_file("figures", SQL)).format(
                sums=sql.SQL(", ").join(map(_sum, content.amounts)),
                recorded=sql.SQL("greatest({})").format(recorded)
                if content.recorded
                else sql.SQL("null::timestamptz"),
                currency=content.currency or SETTLEMENT_CURRENCY,
                relation=_name(*content.relation),
                join=content.join or sql.SQL(""),
                scope=content.scope,
            ),
            **self._parameters,
        )
        return Figures(
            rows=sum(row["row_count"] for row in found),
            sums={
                row["currency"]: dict(zip(content.amounts, row["sums"], strict=True))
                for row in found
                if content.amounts
            },
            recorded_at=max((r["recorded_at"] for r in found if r["recorded_at"]), default=None),
        )

    def text(self, content: Content, columns: Sequence[str]) -> Iterator[bytes]:
        """The rows as CSV, the names of the columns first, a row at a time, in a total order."""
        types = self._types(content)
        query = sql.SQL(sql_file("rows", SQL)).format(
            columns=sql.SQL(", ").join(_column(content, name) for name in columns),
            relation=_name(*content.relation),
            scope=content.scope,
            order=sql.SQL(", ").join(
                sql.SQL('t.{} collate "C"' if types[name] else "t.{}").format(_name(name))
                for name in content.key or types
            ),
        )
        self._pin()
        copy = sql.SQL("copy ({}) to stdout with (format csv, header)").format(query)
        with self._connection.cursor().copy(copy, self._parameters) as found:
            for row in found:
                yield bytes(row)

    def erased_sellers(self) -> list[str]:
        """The sellers of these windows who were erased."""
        found = self._rows(sql.SQL(sql_file("erased", SQL)), **self._parameters)
        return [row["seller_id"] for row in found]

    def _rows(self, query: sql.Composable, **parameters: Any) -> list[dict[str, Any]]:
        self._pin()
        return rows(self._connection, query.as_string(self._connection), **parameters)

    def _pin(self) -> None:
        self._connection.execute(sql_file("pin", SQL).encode())


@contextmanager
def open_reader(settings: Settings, number: int, login: Login | None = None) -> Iterator[Reader]:
    """Of this login, else of the command line's own; raises SettleError for a year without closes.

    It takes what an analyst may read, and no more.
    """
    opened = (
        connect_as(settings, login.name, login.password)
        if login
        else connect(settings, Component.ORCHESTRATOR, is_read_only=True)
    )
    with opened as connection:
        connection.read_only = True
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        try:
            yield Reader(connection, number)
        except psycopg.errors.InsufficientPrivilege as error:
            if login is None:
                raise
            raise SettleError(
                f"{login.name} may not read all of it ({error.diag.message_primary}): it takes an"
                f" analyst's login, or the reading one of finance, like {login.name}_reads"
            ) from error


def _name(*parts: str) -> sql.Identifier:
    return sql.Identifier(*parts)


def _column(content: Content, name: str) -> sql.Composable:
    computed = content.computed.get(name)
    if computed is None:
        return sql.SQL("t.{}").format(_name(name))
    return sql.SQL("{} as {}").format(sql.SQL(computed), _name(name))


def _sum(amount: str) -> sql.Composable:
    if amount.endswith("_minor"):
        return sql.SQL("coalesce(sum(t.{}), 0)").format(_name(amount))
    return sql.SQL(sql_file("minor", SQL)).format(amount=_name(amount))
