"""Which columns each column of a dbt model is made of, read from the SQL that dbt compiled."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows

DIALECT = "postgres"

# Per column: the unique_id of each node that it is made of, and the column there.
Lineage = dict[str, list[list[str]]]
# Per schema and relation: its columns, each with a type.
Columns = dict[str, dict[str, dict[str, str]]]
# The unique_id of the node behind each schema and relation.
Relations = dict[tuple[str, str], str]


class ColumnLineage:
    """The lineage of models compiled into `target`; read again where SQL or columns changed.

    What stands between, a CTE or a join, is followed to the relations themselves; a literal and
    what a function of the database reads by itself have no source. The columns of relations are
    those of now.
    """

    def __init__(self, settings: Settings, manifest: Mapping[str, Any], target: Path) -> None:
        self._nodes, self._target = manifest["nodes"], target
        self._columns, self._relations = _columns(settings), _relations(manifest)
        self._file = settings.home / "dbt" / "column_lineage.json"
        before = self._file.exists()
        self._known = json.loads(self._file.read_text(encoding="utf-8")) if before else {}
        self._found: dict[str, Any] = {}

    def of(self, unique_id: str) -> Lineage:
        """The lineage of one model; empty where it was not compiled, or cannot be read."""
        statement = self._compiled(unique_id)
        if statement is None:
            return {}
        read = _named_in(statement, self._columns)
        fingerprint = _fingerprint(statement, read, self._relations)
        found = self._known.get(unique_id, {})
        if found.get("fingerprint") != fingerprint:
            lineage = _read(unique_id, statement, read, self._relations)
            if lineage is None:
                return {}
            found = {"fingerprint": fingerprint, "columns": lineage}
        self._found[unique_id] = found
        return dict(found["columns"])

    def keep(self) -> None:
        """For the next build, with what was not asked for and is still in the project."""
        kept = {name: model for name, model in self._known.items() if name in self._nodes}
        kept |= self._found
        if kept != self._known:
            scratch = self._file.with_suffix(".new")
            scratch.write_text(json.dumps(kept), encoding="utf-8")
            scratch.replace(self._file)

    def _compiled(self, unique_id: str) -> str | None:
        node = self._nodes[unique_id]
        file = self._target / "compiled" / node["package_name"] / node["original_file_path"]
        is_there = node["resource_type"] == "model" and file.is_file()
        return file.read_text(encoding="utf-8") if is_there else None


def _columns(settings: Settings) -> Columns:
    """Every relation that dbt may read, with its columns in order."""
    columns: Columns = {}
    with connect(settings, Component.DBT) as database:
        for row in rows(
            database,
            "select table_schema, table_name, column_name from information_schema.columns"
            " where table_schema not in ('pg_catalog', 'information_schema')"
            " order by table_schema, table_name, ordinal_position",
        ):
            schema = columns.setdefault(row["table_schema"], {})
            # The optimizer asks for a type, and nothing here depends on which.
            schema.setdefault(row["table_name"], {})[row["column_name"]] = "text"
    return columns


def _relations(manifest: Mapping[str, Any]) -> Relations:
    """The unique_id of the node behind each schema and relation."""
    nodes = {**manifest["nodes"], **manifest["sources"]}
    return {
        (node["schema"], node.get("alias") or node["identifier"]): unique_id
        for unique_id, node in nodes.items()
        if node["resource_type"] in ("model", "seed", "snapshot", "source")
    }


def _named_in(statement: str, columns: Columns) -> Columns:
    """Those relations whose name is somewhere in the statement: all that it reads, and few else."""
    return {
        schema: named
        for schema, tables in columns.items()
        if (named := {name: tables[name] for name in tables if name in statement})
    }


def _fingerprint(statement: str, read: Columns, relations: Relations) -> str:
    nodes = [
        [schema, name, relations.get((schema, name))] for schema in read for name in read[schema]
    ]
    return hashlib.sha256(json.dumps([statement, read, nodes]).encode()).hexdigest()


def _read(unique_id: str, statement: str, read: Columns, relations: Relations) -> Lineage | None:
    from sqlglot.errors import SqlglotError

    try:
        return dict(_sources_of(statement, read, relations))
    except SqlglotError as error:  # Postgres has run it: a picture less, and no reason to stop
        print(f"no column lineage of {unique_id}: {str(error).splitlines()[0]}")
        return None


def _sources_of(
    statement: str, columns: Columns, relations: Relations
) -> Iterator[tuple[str, list[list[str]]]]:
    from sqlglot import exp, parse_one  # half a second to import, and only a build wants it
    from sqlglot.lineage import lineage
    from sqlglot.optimizer.qualify import qualify
    from sqlglot.optimizer.scope import build_scope

    query: Any = qualify(
        parse_one(statement, dialect=DIALECT),
        schema=dict(columns),
        dialect=DIALECT,
        validate_qualify_columns=False,
    )
    # All columns in one go, and of one copy: what several of them are made of is followed once.
    lineages = lineage(None, query, {}, scope=build_scope(query), trim_selects=False, copy=False)
    for column in query.named_selects:
        found = {
            (relations[table.db, table.name], node.name.rpartition(".")[2].strip('"'))
            for node in lineages[column].walk()
            if isinstance(table := node.expression, exp.Table)
            and (table.db, table.name) in relations
        }
        yield column, sorted(map(list, found))
