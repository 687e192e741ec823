"""`settle load`: CSV files into the source tables, all or nothing.

Python streams the files into temporary tables; the SQL in sql/ judges and stores them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from orchestrator.database.connection import sql_file
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import (
    FACTS,
    FILE_NAMES,
    SELLERS,
    SOURCES,
    Absent,
    Source,
    read_rows,
    shown,
    source_of_header,
)

SQL = Path(__file__).parent / "sql"
MAX_LINES = 50

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


@dataclass(frozen=True)
class LoadReport:
    """The counts of each table whose file was in the directory.

    `left_alone` are the CSV files that are no source table's, neither by name nor by columns.
    """

    tables: Mapping[str, TableCounts]
    left_alone: tuple[str, ...] = ()

    @property
    def is_noop(self) -> bool:
        return not any(t.inserted or t.replaced for t in self.tables.values())


class LoadRefused(SettleError):  # noqa: N818 - a refusal is an answer, not a fault
    """Nothing was loaded. `lines` names the bad rows, one a line, at most MAX_LINES of them."""

    def __init__(self, summary: str, lines: list[str]) -> None:
        super().__init__(summary)
        self.lines = lines


def load_directory(connection: psycopg.Connection[Any], directory: Path) -> LoadReport:
    """Load the CSV files of a directory in one transaction; needs the owner's login.

    Raises LoadRefused where a file or row is bad; then nothing is stored.
    """
    try:
        files, left_alone = _find_files(directory)
        with connection.transaction():
            return LoadReport(_load(connection, files), left_alone)
    except OSError as error:
        raise SettleError(f"nothing was loaded: {error.filename}: {error.strerror}") from error
    except psycopg.errors.UniqueViolation as error:
        raise SettleError(
            f"nothing was loaded: something else wrote to {error.diag.table_name} meanwhile;"
            " load again"
        ) from None


def _find_files(directory: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    if not directory.is_dir():
        raise SettleError(f"{directory} is no directory; name the one that holds the CSV files")
    found = sorted(p for p in directory.iterdir() if p.is_file() and p.suffix.lower() == ".csv")
    known = {source.file_name: source.table for source in SOURCES}
    others = [p for p in found if p.name not in known]
    if misnamed := [
        f"{shown(p.name)} has the columns of {source.file_name}; rename it or take it away"
        for p in others
        if (source := source_of_header(p))
    ] + [
        f"{shown(p.name)} is written {p.name.lower()}; rename it or take it away"
        for p in others
        if p.name.lower() in known
    ]:
        raise _refused(misnamed, len(misnamed))
    files = {known[p.name]: p for p in found if p.name in known}
    if not files:
        raise SettleError(
            f"{directory} holds no CSV file of a source table; use one or more of {FILE_NAMES}"
        )
    return files, tuple(p.name for p in others)


def _load(connection: psycopg.Connection[Any], files: Mapping[str, Path]) -> dict[str, TableCounts]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(sql_file("begin", SQL).encode())
        row_counts = {s.table: _stage(cursor, s, files.get(s.table)) for s in SOURCES}
        loaded = [source for source in SOURCES if source.table in files]
        for source in loaded:
            _check(cursor, source)
        _refuse_problems(cursor)
        tables = {s.table: _store(cursor, s, row_counts[s.table]) for s in loaded}
        cursor.execute(sql_file("end", SQL).encode())
    return tables


def _stage(cursor: psycopg.Cursor[Any], source: Source, path: Path | None) -> int:
    """Copy a file into its temporary table; returns the number of rows."""
    columns = sql.SQL(",\n    ").join(
        sql.SQL('{} text collate "C"').format(sql.Identifier(name)) for name in source.columns
    )
    _run(cursor, "stage", source, columns=columns)
    if path is None:
        return 0
    count = 0
    copy_rows = sql.SQL("copy pg_temp.{} from stdin").format(_temporary(source, "staged"))
    nothing = [None] * len(source.columns)
    with cursor.copy(copy_rows) as copy:
        for count, row in enumerate(read_rows(path, source), start=1):  # noqa: B007
            copy.write_row((row.line, row.fault, *(row.values or nothing)))
    return count


def _check(cursor: psycopg.Cursor[Any], source: Source) -> None:
    _run(cursor, "staged", source)
    for number, (name, column) in enumerate(source.columns.items(), start=1):
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
    for check in ("check_repeats", "check_stored"):
        _run(cursor, check, source, **_comparison(source))


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


def _refuse_problems(cursor: psycopg.Cursor[Any]) -> None:
    problems_query = sql.SQL(sql_file("problems", SQL))
    cursor.execute(problems_query.format(max_lines=sql.Literal(MAX_LINES)))
    problems = cursor.fetchall()
    if problems:
        lines = [
            f"{SOURCES[file_number].file_name}:{line_number}: {problem}"
            for file_number, line_number, problem, _ in problems
        ]
        raise _refused(lines, problems[0][-1])


def _refused(lines: list[str], count: int) -> LoadRefused:
    problems = "1 problem" if count == 1 else f"{count} problems"
    listed = f" (the first {len(lines)} are listed)" if len(lines) < count else ""
    return LoadRefused(f"nothing was loaded: {problems}{listed}; fix and load again", lines)


def _store(cursor: psycopg.Cursor[Any], source: Source, row_count: int) -> TableCounts:
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
    _run(cursor, "insert_facts", source, columns=columns, values=values)
    return TableCounts(inserted=cursor.rowcount, unchanged=row_count - cursor.rowcount)


def _run(
    cursor: psycopg.Cursor[Any], file: str, source: Source, **parameters: sql.Composable
) -> None:
    """Run a file of sql/ for one source."""
    query = sql.SQL(sql_file(file, SQL)).format(
        **{step: _temporary(source, step) for step in ("staged", "typed", "kept")},
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
