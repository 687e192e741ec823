"""What every way of loading has in common: staged rows are checked, refused or stored.

Whoever loads fills one temporary table per source with numbered rows of text (`stage_table`); the
SQL in sql/ judges and stores them.
"""

from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from orchestrator.database.connection import sql_file
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import FACTS, SELLERS, SOURCES, Absent, Source

SQL = Path(__file__).parent / "sql"
MAX_LINES = 50
# Rows of several files of one kind are numbered through: file times this, plus the line.
LINES_PER_FILE = 10**10

_FACT_ADVICE = "; a fact never changes: give a correction an id of its own"
_SELLER_ADVICE = "; a change needs a newer updated_at"


@dataclass(frozen=True)
class TableCounts:
    """What became of the rows of one file.

    `unchanged` rows were there already; `ignored` ones are sellers older than what is known.
    """

    inserted: int = 0
    unchanged: int = 0
    replaced: int = 0
    ignored: int = 0


class LoadRefused(SettleError):  # noqa: N818 - a refusal is an answer, not a fault
    """Nothing was loaded. `lines` names the bad rows, one a line, at most MAX_LINES of them."""

    def __init__(self, summary: str, lines: list[str]) -> None:
        super().__init__(summary)
        self.lines = lines


def begin(cursor: psycopg.Cursor[Any]) -> None:
    """Wait for any other load, and make what the steps below work with.

    One load at a time: a second one waits here, then sees what the first has stored.
    """
    cursor.execute("select finance.hold_lock('load')")
    begin_checks(cursor)


def begin_checks(cursor: psycopg.Cursor[Any]) -> None:
    """Make what `check_values` works with, for somebody who stores nothing."""
    cursor.execute(sql_file("begin", SQL).encode())


def end(cursor: psycopg.Cursor[Any]) -> None:
    """Drop what `begin` and the steps made, and have the filled tables analyzed."""
    cursor.execute(sql_file("end", SQL).encode())


def stage_table(cursor: psycopg.Cursor[Any], source: Source) -> None:
    """Make the temporary table that takes a source's rows: line_number, fault, columns as text."""
    columns = sql.SQL(",\n    ").join(
        sql.SQL('{} text collate "C"').format(sql.Identifier(name)) for name in source.columns
    )
    _run(cursor, "stage", source, columns=columns)


def staged_table(source: Source) -> sql.Identifier:
    """The name of that table, in pg_temp."""
    return _temporary(source, "staged")


def check(cursor: psycopg.Cursor[Any], source: Source) -> None:
    """Note what is wrong with the staged rows of a source, by value, repeats and what is stored."""
    check_values(cursor, source)
    if source is SELLERS:
        cursor.execute(sql_file("leave_erased", SQL).encode())
    for file in ("check_repeats", "check_stored"):
        _run(cursor, file, source, **_comparison(source))


def check_values(
    cursor: psycopg.Cursor[Any], source: Source, columns: Container[str] | None = None
) -> None:
    """Note what is wrong with the staged values of a source, and type the rows that are good.

    Of these columns alone, where they are named: the others were not staged.
    """
    _run(cursor, "staged", source)
    for number, (name, column) in enumerate(source.columns.items(), start=1):
        if columns is not None and name not in columns:
            continue
        parameters = {
            "column": sql.Identifier(name),
            "column_name": sql.Literal(name),
            "column_number": sql.Literal(number),
            "kind": sql.Literal(column.kind.value),
            "may_be_empty": sql.Literal(column.may_be_empty),
        }
        _run(cursor, "check", source, **parameters)
        if source.table == "dispute_events" and name == "amount":
            _run(cursor, "check_event_amounts", source, **parameters)
    values = sql.SQL(",\n    ").join(
        sql.SQL(column.typed).format(sql.Identifier("staged", name))
        + sql.SQL(" as {}").format(sql.Identifier(name))
        for name, column in source.columns.items()
    )
    _run(cursor, "type", source, values=values)


def _comparison(source: Source) -> dict[str, sql.Composable]:
    """The parts of a query that compares rows `loaded` and `other` of one version."""
    is_fact = source in FACTS
    return {
        "version": _columns(source.key if is_fact else [*source.key, "updated_at"]),
        "content": _content(source, "loaded", "other"),
        "other_content": _content(source, "other", "loaded"),
        "last": sql.Identifier("recorded_at" if is_fact else "updated_at"),
        "advice": sql.Literal(_FACT_ADVICE if is_fact else _SELLER_ADVICE),
    }


def _content(source: Source, alias: str, other: str) -> sql.Composable:
    """A row's values; a recorded_at that was not given agrees with any."""
    return sql.SQL(", ").join(
        sql.SQL("coalesce({}, {})").format(sql.Identifier(alias, n), sql.Identifier(other, n))
        if column.absent is Absent.NOW
        else sql.Identifier(alias, n)
        for n, column in source.columns.items()
    )


def refuse_problems(cursor: psycopg.Cursor[Any], place: Callable[[int, int], str]) -> None:
    """Raise LoadRefused where a problem was noted.

    `place` names the file and line of a source's row, from the source's index and the row's number.
    """
    problems_query = sql.SQL(sql_file("problems", SQL))
    cursor.execute(problems_query.format(max_lines=sql.Literal(MAX_LINES)))
    problems = cursor.fetchall()
    if problems:
        lines = [
            f"{place(file_number, line_number)}: {problem}"
            for file_number, line_number, problem, _ in problems
        ]
        raise refused(lines, problems[0][-1])


def refused(lines: list[str], count: int) -> LoadRefused:
    """The refusal of `count` problems of which these are listed."""
    problems = "1 problem" if count == 1 else f"{count} problems"
    listed = f" (the first {len(lines)} are listed)" if len(lines) < count else ""
    return LoadRefused(f"nothing was loaded: {problems}{listed}; fix and load again", lines)


def store(cursor: psycopg.Cursor[Any], source: Source, row_count: int) -> TableCounts:
    """Store the checked rows of a source, of which `row_count` were staged."""
    if source is SELLERS:
        cursor.execute(sql_file("insert_sellers", SQL).encode())
        inserted, replaced, ignored = cursor.fetchone() or (0, 0, 0)
        unchanged = row_count - inserted - replaced - ignored
        return TableCounts(inserted, unchanged, replaced, ignored)
    values = sql.SQL(", ").join(
        sql.SQL("coalesce({}, (select public.settle_now()))").format(sql.Identifier(name))
        if column.absent is Absent.NOW
        else sql.Identifier(name)
        for name, column in source.columns.items()
    )
    columns = _columns(list(source.columns))
    _run(cursor, "leave_stored", source)
    _run(cursor, "insert_facts", source, columns=columns, values=values)
    return TableCounts(inserted=cursor.rowcount, unchanged=row_count - cursor.rowcount)


def _run(
    cursor: psycopg.Cursor[Any], file: str, source: Source, **parameters: sql.Composable
) -> None:
    """Run a file of sql/ for one source."""
    query = sql.SQL(sql_file(file, SQL)).format(
        **{step: _temporary(source, step) for step in ("staged", "typed", "kept", "stored")},
        table=sql.Identifier(source.table),
        id=sql.Identifier(source.id),
        id_name=sql.Literal(source.id),
        file_number=sql.Literal(SOURCES.index(source)),
        **parameters,
    )
    cursor.execute(query)


def _temporary(source: Source, step: str) -> sql.Identifier:
    return sql.Identifier(f"load_{source.table}_{step}")


def _columns(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
