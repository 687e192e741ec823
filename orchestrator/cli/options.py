"""What the verbs share: settings, people, arguments, reading and output."""

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import psycopg
import typer
from rich.console import Console
from rich.table import Table

from orchestrator.config import Component, Settings, load_settings
from orchestrator.database.connection import connect, connect_as, rows, sql_file
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.settlement.windows import partition_key


def ready() -> Settings:
    """The settings of this call, with its database up to date and the clock set."""
    settings = load_settings()
    prepare_database(settings)
    set_clock(settings)
    return settings


def checked_window(value: str | None) -> str | None:
    """An ISO week that exists, or none where it may be left out; anything else is bad usage."""
    if value is None:
        return None
    try:
        if not re.fullmatch(r"\d{4}-W\d{2}", value):
            raise ValueError(value)
        partition_key(value)
    except ValueError:
        raise typer.BadParameter(f"{value!r} is no ISO week; write it like 2026-W47") from None
    return value


def checked_note(value: str) -> str:
    """A reason that somebody can read; nothing is bad usage."""
    if not value.strip():
        raise typer.BadParameter("the note is empty; say why")
    return value


def checked_amount(value: str) -> str:
    """Decimal text with at most two places; SQL makes minor units of it. Else bad usage."""
    if not re.fullmatch(r"-?[0-9]{1,13}(\.[0-9]{1,2})?", value):
        raise typer.BadParameter(
            f"{value!r} is no amount; write it like 12.50 or -3.00, with at most two places"
        )
    return value


Window = Annotated[str, typer.Argument(callback=checked_window, help="An ISO week: 2026-W47.")]
As = Annotated[str, typer.Option("--as", help="Your personal database login.")]
Note = Annotated[str, typer.Option(callback=checked_note, help="Why; it stays readable for ever.")]
Id = Annotated[int, typer.Argument(min=1, max=2**63 - 1)]
Json = Annotated[bool, typer.Option("--json", help="For scripts.")]


def password_of(name: str) -> str:
    """SETTLE_PASSWORD, else asked for where somebody can answer."""
    known = os.environ.get("SETTLE_PASSWORD")
    if known is not None:
        return known
    if not sys.stdin.isatty():
        raise typer.BadParameter("set SETTLE_PASSWORD, or run this where it can ask")
    answer: str = typer.prompt(f"Password of {name}", hide_input=True)
    return answer


def decide(name: str, query: str, *parameters: Any) -> dict[str, Any]:
    """One decision of a person, under their own login; returns its row once it is committed."""
    password = password_of(name)
    with connect_as(ready(), name, password) as database:
        [row] = rows(database, query, *parameters)
    return row


def read(query: str, **parameters: Any) -> list[dict[str, Any]]:
    """The rows of a query in orchestrator/queries."""
    with connect(ready(), Component.ORCHESTRATOR) as database:
        return read_in(database, query, **parameters)


def read_in(
    database: psycopg.Connection[Any], query: str, **parameters: Any
) -> list[dict[str, Any]]:
    """The rows of a query in orchestrator/queries, in a transaction that is open already."""
    with database.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        return cursor.execute(sql_file(query).encode(), parameters).fetchall()


def plain_console() -> Console:
    """No markup: ids and notes are anybody's text. No folding where no terminal is too narrow."""
    return Console(markup=False, highlight=False, width=None if sys.stdout.isatty() else 160)


def table_of(
    found: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    right: Sequence[str] = (),
    title: str | None = None,
) -> Table:
    """The rows under the titles of these columns; what stands in `right` lines up as numbers do."""
    table = Table(box=None, pad_edge=False, title=title, title_justify="left")
    for name, heading in columns.items():
        table.add_column(heading, justify="right" if name in right else "left")
    for row in found:
        table.add_row(*(_cell(row[name]) for name in columns))
    return table


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return ", ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def print_json(value: Any) -> None:
    """As a document; instants in ISO 8601, money as the text that SQL made of it."""
    print(json.dumps(value, indent=2, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
