"""`settle import`: reports of processors into the source tables, all or nothing.

Python streams records into temporary tables; the format's SQL says what each row is made of, the
SQL in sql/ whose it is and what it becomes, and the steps of every load check and store that.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row
from psycopg.types.json import Jsonb

from orchestrator.database.connection import sql_file
from orchestrator.decisions.csv_rows import rows_of_file
from orchestrator.errors import SettleError
from orchestrator.loading import pipeline
from orchestrator.loading.csv_files import FACTS
from orchestrator.loading.imports.formats import NOT_FOR_SELLERS, Format, format_named
from orchestrator.loading.imports.options import ImportReport, Options, RowType
from orchestrator.loading.imports.staging import SQL, Staging
from orchestrator.loading.pipeline import LINES_PER_FILE, TableCounts
from orchestrator.project_variables import project_variables, seed_rows, source_table

_SELLERS_COLUMNS = {"seller_key": True, "seller_id": True, "reason": False}


def import_reports(
    connection: psycopg.Connection[Any], format_name: str, files: Sequence[Path], options: Options
) -> ImportReport:
    """Import reports of one format in one transaction; needs the owner's login.

    Raises LoadRefused where a row is bad or a total differs; then nothing is stored.
    """
    report = format_named(format_name)
    if report.totals_file and options.totals is None:
        raise SettleError(
            f"{report.title}, has no total of its own: give --totals FILE, {report.totals_file}"
        )
    if not report.totals_file and options.totals:
        raise SettleError(f"{report.title}, has its own total: leave --totals out")
    try:
        hashes = [_sha256(path) for path in files]
        if len(set(hashes)) < len(hashes):
            raise SettleError("two of the files are the same: name each once")
        with connection.transaction(force_rollback=options.is_rehearsal):
            return _Import(connection, report, files, options).run(hashes)
    except OSError as error:
        raise SettleError(f"nothing was loaded: {error.filename}: {error.strerror}") from error
    except psycopg.errors.UniqueViolation as error:
        raise SettleError(
            f"nothing was loaded: something else wrote to {error.diag.table_name} meanwhile;"
            " import again"
        ) from None


class _Import:
    """One import, on one cursor."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        report: Format,
        files: Sequence[Path],
        options: Options,
    ) -> None:
        self._cursor = connection.cursor(row_factory=tuple_row)
        self._format, self._files, self._options = report, files, options

    def run(self, hashes: Sequence[bytes]) -> ImportReport:
        """All steps; nothing is stored before every total was compared."""
        with self._cursor:
            pipeline.begin(self._cursor)
            self._cursor.execute(sql_file("begin", SQL).encode())
            self._fill_lists()
            self._compare_names(hashes)
            row_counts = Staging(self._cursor, self._format, self._options).read(self._files)
            self._refuse_problems()
            self._run("parts", parts=sql.SQL(self._format.sql("parts")))
            self._run("kinds")
            self._run("totals", totals=sql.SQL(self._format.sql("totals")))
            self._run("sellers")
            self._refuse_problems()
            tables = self._store()
            self._run("row_types")
            row_types = tuple(RowType(*values) for values in self._cursor.fetchall())
            if any(counts.inserted for counts in tables.values()):
                self._record(hashes, row_counts, row_types)
            self._cursor.execute(sql_file("end", SQL).encode())
            pipeline.end(self._cursor)
        return ImportReport(row_types, tables)

    def _fill_lists(self) -> None:
        """The lists that the SQL joins: types of rows, sellers, currencies."""
        for name, said in self._format.row_types.items():
            kind, _, reason = said.partition(": ")
            self._cursor.execute(
                "insert into pg_temp.import_row_types (row_type, kind, reason) values (%s, %s, %s)",
                (name, None if kind == NOT_FOR_SELLERS else kind, reason or None),
            )
        self._cursor.execute(
            "insert into pg_temp.import_currencies"
            " select currency, decimals from jsonb_to_recordset(%s)"
            " as seed (currency text, decimals integer)",
            (Jsonb(seed_rows("currencies")),),
        )
        if self._options.sellers:
            text = self._options.sellers.read_text(encoding="utf-8-sig", errors="surrogateescape")
            self._cursor.execute(
                sql_file("name_sellers", SQL).encode(), (rows_of_file(text, _SELLERS_COLUMNS),)
            )
            if twice := self._cursor.fetchone():
                raise SettleError(f"{self._options.sellers.name}: {twice[0]}")

    def _compare_names(self, hashes: Sequence[bytes]) -> None:
        """Note the files whose orders were imported before under other ids."""
        for number, file_hash in enumerate(hashes):
            self._cursor.execute(
                sql_file("named_before", SQL).encode(),
                {
                    "row_number": number * LINES_PER_FILE,
                    "sha256": file_hash,
                    "options": Jsonb(self._options.evidence),
                },
            )

    def _store(self) -> dict[str, TableCounts]:
        """Hand the facts to the steps of every load."""
        counts = []
        for source in FACTS:
            pipeline.stage_table(self._cursor, source)
            self._run(source.table)
            counts.append(self._cursor.rowcount)
            self._run(
                "recorded",
                staged=pipeline.staged_table(source),
                happened=sql.Identifier(source.happened),
            )
            pipeline.check(self._cursor, source)
        self._refuse_problems()
        for source in FACTS:
            self._run(
                "elsewhere",
                staged=pipeline.staged_table(source),
                table=sql.Identifier(source.table),
                id=sql.Identifier(source.id),
                amount=sql.Identifier(source.amount),
                happened=sql.Identifier(source.happened),
            )
        self._refuse_problems()
        return {
            source.table: pipeline.store(self._cursor, source, count)
            for source, count in zip(FACTS, counts, strict=True)
            if count
        }

    def _record(
        self, hashes: Sequence[bytes], row_counts: Sequence[int], row_types: Sequence[RowType]
    ) -> None:
        """Keep what was imported as evidence."""
        for number, path in enumerate(self._files):
            self._cursor.execute(
                sql_file("record_import", SQL).encode(),
                {
                    "format": self._format.name,
                    "file_name": path.name,
                    "sha256": hashes[number],
                    "row_count": row_counts[number],
                    "options": Jsonb(self._options.evidence),
                    "totals": Jsonb([asdict(t) for t in row_types if t.file_number == number]),
                },
            )

    def _refuse_problems(self) -> None:
        pipeline.refuse_problems(self._cursor, self._place)

    def _place(self, _: int, row_number: int) -> str:
        file_number, line = divmod(row_number, LINES_PER_FILE)
        files = [*self._files, *filter(None, [self._options.totals])]
        name = files[file_number].name
        return f"{name}:{line}" if line else name

    def _run(self, file: str, **parameters: sql.Composable) -> None:
        query = sql.SQL(sql_file(file, SQL)).format(
            lines_per_file=sql.Literal(LINES_PER_FILE),
            file_count=sql.Literal(len(self._files)),
            fees=sql.Literal(self._options.fees),
            without=sql.Literal(list(self._options.without)),
            ids_are_given=sql.Literal(self._format.ids_are_given),
            has_sellers_file=sql.Literal(self._options.sellers is not None),
            settlement_currency=sql.Literal(project_variables()["settlement_currency"]),
            orders_table=sql.Identifier(*source_table("orders")),
            sellers_table=sql.Identifier(*source_table("sellers")),
            **parameters,
        )
        self._cursor.execute(query)


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
