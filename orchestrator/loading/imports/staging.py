"""The rows of reports in temporary tables: as they came, as every load writes them, in types."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from orchestrator.database.connection import sql_file
from orchestrator.loading.csv_files import Column, Kind
from orchestrator.loading.imports.formats import Format, Records
from orchestrator.loading.imports.options import Options
from orchestrator.loading.imports.reports import Keys, Spelling, read_report, spelling_of
from orchestrator.loading.pipeline import LINES_PER_FILE

SQL = Path(__file__).parent / "sql"


class Staging:
    """Fills import_rows with the rows of reports, and import_totals_rows with their totals."""

    def __init__(self, cursor: psycopg.Cursor[Any], report: Format, options: Options) -> None:
        self._cursor, self._format, self._options = cursor, report, options

    def read(self, files: Sequence[Path]) -> list[int]:
        """Stage and type; what is wrong is noted. Returns the number of rows of each file."""
        report, options = self._format, self._options
        keys = Keys(
            (options.order_from,) if options.order_from else report.order,
            (options.seller_from,) if options.seller_from else report.seller,
            tuple(filter(None, (options.order_from, options.seller_from))),
        )
        sources = [(path, self._spelling(path, report.rows)) for path in files]
        counts = self._fill("import_rows", report.rows, list(enumerate(sources)), keys)
        if report.totals and options.totals:
            totals = (options.totals, self._spelling(options.totals, report.totals))
            self._fill("import_totals_rows", report.totals, [(len(files), totals)])
        elif report.totals:
            self._fill("import_totals_rows", report.totals, list(enumerate(sources)))
        return counts

    def _spelling(self, path: Path, records: Records) -> Spelling:
        return spelling_of(path, records, self._format.delimiter, self._options.encoding)

    def _fill(
        self,
        table: str,
        records: Records,
        sources: Sequence[tuple[int, tuple[Path, Spelling]]],
        keys: Keys | None = None,
    ) -> list[int]:
        names = {step: sql.Identifier(f"{table}_{step}") for step in ("staged", "plain")}
        columns = {name: column for name, (_, column) in records.columns.items()}
        text = [sql.SQL("{} text").format(sql.Identifier(name)) for name in columns]
        self._run("stage", **names, columns=sql.SQL(", ").join(text))
        counts = self._copy(names["staged"], records, sources, keys)
        plain = [self._plain(name, column) for name, column in columns.items()]
        self._run("plain", **names, values=sql.SQL(", ").join(plain))
        for number, (name, (pieces, column)) in enumerate(records.columns.items(), start=1):
            self._run(
                "check",
                **names,
                column=sql.Identifier(name),
                heading=sql.Literal(" and ".join(pieces)),
                column_number=sql.Literal(number),
                may_be_empty=sql.Literal(column.may_be_empty or column.kind is Kind.TEXT),
            )
        typed = [self._typed(name, column, records) for name, column in columns.items()]
        self._run("type", **names, typed=sql.Identifier(table), values=sql.SQL(", ").join(typed))
        return counts

    def _copy(
        self,
        staged: sql.Identifier,
        records: Records,
        sources: Sequence[tuple[int, tuple[Path, Spelling]]],
        keys: Keys | None,
    ) -> list[int]:
        counts = []
        nothing = [None] * len(records.columns)
        with self._cursor.copy(sql.SQL("copy pg_temp.{} from stdin").format(staged)) as copy:
            for number, (path, spelling) in sources:
                counts.append(0)
                for row in read_report(path, records, spelling, keys=keys):
                    counts[-1] += 1
                    place = number * LINES_PER_FILE + row.line
                    copy.write_row(
                        (place, row.fault, row.order_key, row.seller_key, *(row.values or nothing))
                    )
        return counts

    def _plain(self, name: str, column: Column) -> sql.Composable:
        """A column's values as every load writes them."""
        value: sql.Composable = sql.Identifier(name)
        if column.kind is Kind.AMOUNT:
            value = sql.SQL("pg_temp.import_amount({}, {})").format(
                value, sql.Literal(self._options.decimal_mark)
            )
        elif column.kind is Kind.INSTANT:
            zone_column = self._format.zone_column
            zone = sql.SQL("coalesce({}, {}, {})").format(
                sql.Literal(self._options.timezone),
                sql.SQL("nullif({}, '')").format(sql.Identifier(zone_column))
                if zone_column
                else sql.NULL,
                sql.Literal(self._format.zone),
            )
            value = sql.SQL("pg_temp.import_instant({}, {}, {})").format(
                value, zone, sql.Literal(self._options.date_order)
            )
        return sql.SQL("{} as {}").format(value, sql.Identifier(name))

    @staticmethod
    def _typed(name: str, column: Column, records: Records) -> sql.Composable:
        """A column's values in their type; what is wrong with one is noted, and it is null here."""
        value: sql.Composable = sql.Identifier(name)
        if column.kind in (Kind.AMOUNT, Kind.INSTANT):
            kind = "numeric" if column.kind is Kind.AMOUNT else "timestamptz"
            value = sql.SQL("case when {} !~ '^!' then nullif({}, '')::{} end").format(
                value, value, sql.SQL(kind)
            )
        if column.kind is Kind.AMOUNT and records.minor_unit_of:
            value = sql.SQL("pg_temp.import_major({}, {})").format(
                value, sql.Identifier(records.minor_unit_of)
            )
        return sql.SQL("{} as {}").format(value, sql.Identifier(name))

    def _run(self, file: str, **parameters: sql.Composable) -> None:
        query = sql.SQL(sql_file(file, SQL)).format(
            lines_per_file=sql.Literal(LINES_PER_FILE), **parameters
        )
        self._cursor.execute(query)
