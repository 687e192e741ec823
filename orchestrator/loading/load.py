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

from orchestrator.errors import SettleError
from orchestrator.loading import pipeline
from orchestrator.loading.csv_files import (
    FILE_NAMES,
    SOURCES,
    Source,
    read_rows,
    shown,
    source_of_header,
)
from orchestrator.loading.pipeline import TableCounts


@dataclass(frozen=True)
class LoadReport:
    """The counts of each table whose file was in the directory.

    `left_alone` are the CSV files that belong to no source table, neither by name nor by columns.
    """

    tables: Mapping[str, TableCounts]
    left_alone: tuple[str, ...] = ()

    @property
    def is_noop(self) -> bool:
        return not any(t.inserted or t.replaced for t in self.tables.values())


def load_directory(connection: psycopg.Connection[Any], directory: Path) -> LoadReport:
    """Load the CSV files of a directory in one transaction; needs the owner's login.

    Raises LoadRefused where a file or row is bad; then nothing is stored.
    """
    try:
        files, left_alone = find_files(directory)
        with connection.transaction():
            return LoadReport(_load(connection, files), left_alone)
    except OSError as error:
        raise SettleError(f"nothing was loaded: {error.filename}: {error.strerror}") from error
    except psycopg.errors.UniqueViolation as error:
        raise SettleError(
            f"nothing was loaded: something else wrote to {error.diag.table_name} meanwhile;"
            " load again"
        ) from None


def find_files(directory: Path) -> tuple[dict[str, Path], tuple[str, ...]]:
    """The files of a directory by table, and the names of the CSV files that belong to no table."""
    if not directory.is_dir():
        raise SettleError(f"{directory} is not a directory; name the one that holds the CSV files")
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
        raise pipeline.refused(misnamed, len(misnamed))
    files = {known[p.name]: p for p in found if p.name in known}
    if not files:
        raise SettleError(
            f"{directory} holds no CSV file of a source table; use one or more of {FILE_NAMES}"
        )
    return files, tuple(p.name for p in others)


def _load(connection: psycopg.Connection[Any], files: Mapping[str, Path]) -> dict[str, TableCounts]:
    with connection.cursor(row_factory=tuple_row) as cursor:
        pipeline.begin(cursor)
        loaded = [source for source in SOURCES if source.table in files]
        row_counts = {}
        for source in SOURCES:
            pipeline.stage_table(cursor, source)
        for source in loaded:
            row_counts[source.table] = copy_file(cursor, source, files[source.table])
        for source in loaded:
            pipeline.check(cursor, source)
        pipeline.refuse_problems(cursor, lambda n, line: f"{SOURCES[n].file_name}:{line}")
        tables = {s.table: pipeline.store(cursor, s, row_counts[s.table]) for s in loaded}
        pipeline.end(cursor)
    return tables


def copy_file(cursor: psycopg.Cursor[Any], source: Source, path: Path) -> int:
    """Copy a file's rows into its temporary table; returns their number."""
    count = 0
    copy_rows = sql.SQL("copy pg_temp.{} from stdin").format(pipeline.staged_table(source))
    nothing = [None] * len(source.columns)
    with cursor.copy(copy_rows) as copy:
        for count, row in enumerate(read_rows(path, source), start=1):  # noqa: B007
            copy.write_row((row.line, row.fault, *(row.values or nothing)))
    return count
