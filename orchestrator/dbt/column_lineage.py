"""Which columns each column of a dbt model is made of, read from the SQL that dbt compiled."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows

DIALECT = "postgres"

# Per model and column: the unique_id of each node that it reads, and the column there.
Lineage = dict[str, dict[str, list[list[str]]]]
# Per schema and relation: its columns, each with a type.
Columns = dict[str, dict[str, dict[str, str]]]
# The unique_id of the node behind each schema and relation.
Relations = dict[tuple[str, str], str]


def column_lineage(settings: Settings, manifest: Mapping[str, Any], target: Path) -> Lineage:
    """The lineage of every model compiled into `target`; read again where SQL or columns changed.

    What stands between, a CTE or a join, is followed to the relations themselves; a literal and
    what a function of the database reads by itself have no source.
    """
    columns = _columns(settings)
    relations = _relations(manifest)
    cache = settings.home / "dbt" / "column_lineage.json"
    known = json.loads(cache.read_text(encoding="utf-8")) if cache.exists() else {}
    found: dict[str, dict[str, Any]] = {}
    for unique_id, statement in _compiled(manifest, target):
        read = _named_in(statement, columns)
        fingerprint = _fingerprint(statement, read, relations)
        if known.get(unique_id, {}).get("fingerprint") == fingerprint:
            found[unique_id] = known[unique_id]
        elif (lineage := _read(unique_id, statement, read, relations)) is not None:
            found[unique_id] = {"fingerprint": fingerprint, "columns": lineage}
    if found != known:
        scratch = cache.with_suffix(".new")
        scratch.write_text(json.dumps(found), encoding="utf-8")
        scratch.replace(cache)
    return {unique_id: model["columns"] for unique_id, model in found.items()}


def _compiled(manifest: Mapping[str, Any], target: Path) -> Iterator[tuple[str, str]]:
    for unique_id, node in manifest["nodes"].items():
        file = target / "compiled" / node["package_name"] / node["original_file_path"]
        if node["resource_type"] == "model" and file.is_file():
            yield unique_id, file.read_text(encoding="utf-8")


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


def _read(
    unique_id: str, statement: str, read: Columns, relations: Relations
) -> dict[str, list[list[str]]] | None:
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
