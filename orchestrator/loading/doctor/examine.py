"""`settle doctor`: reads sources, or files, as the loader and the models would, and stores nothing.

Rows are staged as text, so that the loader's own checks judge them; facts without effect are found
by the rules that the models' macros hold.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from orchestrator.database.connection import sql_file
from orchestrator.dbt.rules import rule
from orchestrator.loading import pipeline
from orchestrator.loading.csv_files import SOURCES, Source
from orchestrator.loading.doctor.columns import column_fault, is_readable
from orchestrator.loading.doctor.findings import (
    HEURISTICS,
    Diagnosis,
    Finding,
    Outlook,
    Severity,
    exception,
    node_fault,
)
from orchestrator.loading.load import copy_file, find_files
from orchestrator.loading.mapping import definitions
from orchestrator.project_variables import project_variables, seed_rows, source_table

SQL = Path(__file__).parent / "sql"
# Without these there is nothing to settle.
_NEEDED = ("sellers", "orders")


class Examination:
    """One look at all sources, within a transaction that its caller rolls back."""

    def __init__(
        self, connection: psycopg.Connection[Any], directory: Path | None, schema: str | None
    ) -> None:
        self._cursor = connection.cursor(row_factory=dict_row)
        self._directory, self._schema = directory, schema
        self._findings: list[Finding] = []
        self._is_whole = True
        self._variables = project_variables()

    def run(self) -> Diagnosis:
        """Everything that can be said; what cannot be read is a finding, and the rest goes on."""
        pipeline.begin_checks(self._cursor)
        self._findings += [] if self._directory else map(node_fault, self._rows("nodes"))
        files = find_files(self._directory)[0] if self._directory else None
        counts = {}
        for source in SOURCES:
            pipeline.stage_table(self._cursor, source)
            columns = self._stage(source) if files is None else self._stage_file(source, files)
            pipeline.check_values(self._cursor, source, columns)
            self._findings += self._value_faults(source, is_file=files is not None)
            if {"seller_id", source.id} <= set(columns):
                self._findings += self._repeated_ids(source)
                counts[source.table] = self._freshness(source, is_file=files is not None)
        self._seeds()
        outlook = None
        # Where a column cannot be read, all that hangs on it would be wrong too.
        if self._is_whole and all(counts.get(table) for table in _NEEDED):
            self._findings += self._exceptions()
            self._findings += self._heuristics()
            self._findings += [] if files or self._schema else self._built()
            outlook = self._outlook()
        return Diagnosis(self._findings, counts, outlook)

    def _built(self) -> Iterator[Finding]:
        """What the latest build found beside: it alone sees disputes and refunds in their order."""
        self._cursor.execute(
            "select to_regclass('settlement.data_exceptions') is not null as built"
        )
        if not (self._cursor.fetchone() or {}).get("built"):
            return
        known = {(finding.source, finding.problem) for finding in self._findings}
        for row in self._rows("built"):
            found = exception(row, self._variables["settlement_currency"])
            if (found.source, found.problem) not in known:
                yield found

    def _stage_file(self, source: Source, files: Mapping[str, Path]) -> list[str]:
        """Copy a file's rows; answers the columns that could be read, all or none."""
        path = files.get(source.table)
        if path is None:
            if source.table in _NEEDED:
                self._fail(source, f"there is no file {source.file_name}")
            return []
        copy_file(self._cursor, source, path)
        return list(source.columns)

    def _stage(self, source: Source) -> list[str]:
        """Copy a relation's rows as text; answers the columns that could be read."""
        place = (self._schema, source.table) if self._schema else source_table(source.table)
        schema, table = place
        columns = self._rows("columns", schema=sql.Literal(schema), table=sql.Literal(table))
        if not columns:
            self._fail(source, f"there is no table or view {schema}.{table}; see settle map init")
            return []
        if not columns[0]["is_readable"]:
            self._fail(
                source,
                f"settle_dbt may not read {schema}.{table}; grant usage on its schema, and select",
            )
            return []
        types = {row["column_name"]: row["type_name"] for row in columns}
        faults = [column_fault(source, name, types.get(name)) for name in source.columns]
        self._findings += [fault for fault in faults if fault]
        self._is_whole &= not any(fault and fault.severity is Severity.ERROR for fault in faults)
        good = [name for name in source.columns if is_readable(source, name, types.get(name))]
        values = [sql.SQL("coalesce({}::text, '')").format(sql.Identifier(c)) for c in good]
        self._run(
            "stage_relation",
            staged=_temporary(source, "staged"),
            columns=sql.SQL(", ").join(map(sql.Identifier, ["line_number", *good])),
            values=sql.SQL(", ").join([sql.SQL("row_number() over ()"), *values]),
            relation=sql.Identifier(schema, table),
        )
        return good

    def _value_faults(self, source: Source, *, is_file: bool) -> Iterator[Finding]:
        number = sql.Literal(SOURCES.index(source))
        for row in self._rows("value_faults", file_number=number):
            example = f"line {row['first_line']}" if is_file else self._id_of(source, row)
            if row["shown"]:
                example += f": {row['shown']}"
            yield Finding(
                Severity.ERROR, source.table, row["column_name"], row["fault"], row["row_count"],
                example,
            )  # fmt: skip

    def _id_of(self, source: Source, row: Mapping[str, Any]) -> str:
        query = sql.SQL("select {} as id from pg_temp.{} where line_number = %s").format(
            sql.Identifier(source.id), _temporary(source, "staged")
        )
        self._cursor.execute(query, [row["first_line"]])
        found = self._cursor.fetchone()
        return f"{source.id} {found['id'] if found else ''}"

    def _repeated_ids(self, source: Source) -> Iterator[Finding]:
        keys = sql.SQL(", ").join(map(sql.Identifier, source.key))
        for row in self._rows(
            "repeated_ids",
            id=sql.Identifier(source.id),
            key=keys,
            typed=_temporary(source, "typed"),
        ):
            within = "" if source.table == "sellers" else " within its seller"
            yield Finding(
                Severity.ERROR,
                source.table,
                source.id,
                f"is not unique{within}; join less, or make it of what is",
                row["row_count"],
                f"{row['example']} is one",
            )

    def _freshness(self, source: Source, *, is_file: bool) -> int:
        """How many rows could be read; of a database also whether the latest is old."""
        definition = definitions()[source.table]
        recorded = sql.Identifier(
            "recorded_at" if "recorded_at" in source.columns else "updated_at"
        )
        [row] = self._rows("latest", typed=_temporary(source, "typed"), recorded_at=recorded)
        limit = definition.warn_after_days
        if not is_file and limit and row["days"] is not None and row["days"] > limit:
            problem = f"the latest row is {row['days']} days old; has the replication stopped?"
            self._findings.append(Finding(Severity.WARNING, source.table, "recorded_at", problem))
        return int(row["row_count"])

    def _seeds(self) -> None:
        self._cursor.execute(
            "create temporary table doctor_currencies (currency text, decimals integer)"
            " on commit drop"
        )
        self._cursor.executemany(
            "insert into pg_temp.doctor_currencies values (%s, %s)",
            [(row["currency"], row["decimals"]) for row in seed_rows("currencies")],
        )

    def _exceptions(self) -> Iterator[Finding]:
        fact = "fact_defect('facts', 'orders.decimals', 'orders.cents_per_unit')"
        for row in self._rows(
            "exceptions",
            rate=_rule("rate('orders')"),
            order_defect=_rule("order_defect('orders', 'currencies')"),
            fact_defect=_rule(fact),
            charge_defect=_rule("charge_defect('charges')"),
        ):
            yield exception(row, self._variables["settlement_currency"])

    def _heuristics(self) -> Iterator[Finding]:
        for row in self._rows("heuristics"):
            problem = HEURISTICS[row["finding"]].format(detail=row["detail"])
            yield Finding(
                Severity.WARNING, row["source_table"], row["column_name"], problem, row["row_count"]
            )

    def _outlook(self) -> Outlook:
        [row] = self._rows(
            "outlook",
            order_defect=_rule("order_defect('orders', 'currencies')"),
            regions=sql.Literal([seed["region"] for seed in seed_rows("region_rails")]),
            timezone=sql.Literal(self._variables["settlement_timezone"]),
        )
        percent = row["payable_percent"]
        return Outlook(
            **row
            | {"obstacles": row["obstacles"] or {}, "payable_percent": percent and str(percent)}
        )

    def _fail(self, source: Source, problem: str) -> None:
        self._findings.append(Finding(Severity.ERROR, source.table, None, problem))
        self._is_whole = False

    def _rows(self, file: str, **parts: sql.Composable) -> list[dict[str, Any]]:
        self._run(file, **parts)
        return self._cursor.fetchall()

    def _run(self, file: str, **parts: sql.Composable) -> None:
        self._cursor.execute(sql.SQL(sql_file(file, SQL)).format(**parts))


def examine(
    connection: psycopg.Connection[Any],
    directory: Path | None = None,
    *,
    schema: str | None = None,
) -> Diagnosis:
    """Look at a directory's files, a schema's relations, or the sources that the project names.

    Needs the login of dbt: what a build cannot read is a finding. Stores nothing.
    """
    with connection.transaction(force_rollback=True):
        return Examination(connection, directory, schema).run()


def _rule(call: str) -> sql.Composable:
    return sql.SQL(rule(call))


def _temporary(source: Source, step: str) -> sql.Identifier:
    return sql.Identifier(f"load_{source.table}_{step}")
