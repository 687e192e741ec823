"""What a change of the models would move, before it is merged.

The project is built twice as of the last stored close, once as it was where the change began and
once as it is now, into schemas of their own; then each public mart is compared, row by row.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, sql_file
from orchestrator.dbt.builds import AS_OF_BASE_SCHEMA, AS_OF_SCHEMA, build_project_as_of
from orchestrator.project_variables import project_variables

LAST_CLOSE = """
select coalesce(max(c.window_ends_at) + make_interval(mins => %s), settle_now()) as as_of
from finance.window_closes as c
"""
NUMBERS = ("numeric", "bigint", "integer")


@dataclass(frozen=True)
class MartDiff:
    """One public mart before and after; sums of the columns whose sum moved, as texts."""

    name: str
    rows_before: int
    rows_after: int
    rows_differing: int
    sums: Mapping[str, tuple[str, str]]
    top_rows: Sequence[str]
    note: str | None = None


def diff_models(
    settings: Settings, base: Path, project: Path, as_of: datetime | None = None
) -> list[MartDiff]:
    """Build both dbt projects and compare all public marts; the live schemas are not touched.

    Raises SettleError where either does not build.
    """
    instant = as_of or _last_close(settings)
    before = _build(settings, base, AS_OF_BASE_SCHEMA, instant)
    after = _build(settings, project, AS_OF_SCHEMA, instant)
    with connect(settings, Component.DBT) as database:
        database.execute("set role settle_dbt")
        return [
            _compare(database, name, before[name], after[name])
            if name in before and name in after
            else MartDiff(name, 0, 0, 0, {}, (), "new" if name in after else "gone")
            for name in sorted(before | after)
        ]


def _last_close(settings: Settings) -> datetime:
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        [found] = rows(database, LAST_CLOSE, project_variables()["close_lag_minutes"])
    instant: datetime = found["as_of"]
    return instant


def _build(settings: Settings, project: Path, schema: str, as_of: datetime) -> dict[str, Any]:
    """The public marts of the build by name, as their manifest has them."""
    target = build_project_as_of(settings, project, schema, as_of)
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
    keys = _keys(manifest)
    return {
        unique_id: {**node, "key": keys.get(unique_id, ())}
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node.get("access") == "public"
    }


def _keys(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What identifies a row of each model, from its own tests."""
    tests = [n for n in manifest["nodes"].values() if n["resource_type"] == "test"]
    return {
        test["attached_node"]: tuple(test["test_metadata"]["kwargs"]["columns"])
        for test in tests
        if test.get("test_metadata", {}).get("name") == "primary_key"
    }


def _compare(database: Any, name: str, before: Any, after: Any) -> MartDiff:
    shared = [column for column in before["columns"] if column in after["columns"]]
    types = {c: str(after["columns"][c].get("data_type") or "") for c in shared}
    numbers = [c for c in shared if types[c].startswith(NUMBERS)]
    title = name.split(".", 2)[2]
    if not after["key"] or not set(after["key"]) <= set(shared):
        return MartDiff(title, 0, 0, 0, {}, (), "not compared: no key that both have")
    names = _names(before, after, shared, numbers)
    query = sql.SQL(sql_file("diff", Path(__file__).parent)).format(**names)
    [found] = rows(database, query.as_string(database))
    sums = {
        column: (_text(old), _text(new))
        for column, old, new in zip(
            ["rows", *numbers], found["sums_before"], found["sums_after"], strict=True
        )
        if old != new and column != "rows"
    }
    gone = [c for c in before["columns"] if c not in shared]
    added = [c for c in after["columns"] if c not in shared]
    changed = [f"new {c}" for c in added] + [f"gone {c}" for c in gone]
    return MartDiff(
        title,
        found["rows_before"],
        found["rows_after"],
        found["rows_differing"],
        sums,
        found["top_rows"],
        ", ".join(changed) or None,
    )


def _names(
    before: Any, after: Any, shared: Sequence[str], numbers: Sequence[str]
) -> dict[str, sql.Composable]:
    """The pieces of diff.sql for one mart."""
    comma = sql.SQL(", ")

    def of(table: str, columns: Sequence[str]) -> list[sql.Composed]:
        return [sql.SQL("{}.{}").format(sql.Identifier(table), sql.Identifier(c)) for c in columns]

    def sums(columns: Sequence[sql.Composable]) -> sql.Composed:
        of_each = [sql.SQL("sum({})").format(column) for column in columns]
        return sql.SQL("array[{}]::numeric[]").format(comma.join([sql.SQL("count(*)"), *of_each]))

    keys = list(after["key"])
    change = sql.SQL(
        "case when {b} is distinct from {a} then {name} || ' ' || coalesce({b}::text, 'none')"
        " || ' -> ' || coalesce({a}::text, 'none') end"
    )
    values = [c for c in shared if c not in keys]
    pairs = list(zip(values, of("b", values), of("a", values), strict=True))
    moved = [c for c in numbers if c not in keys]
    return {
        "before": sql.Identifier(before["schema"], before["alias"]),
        "after": sql.Identifier(after["schema"], after["alias"]),
        "keys": comma.join(map(sql.Identifier, keys)),
        "key_text": sql.SQL("concat_ws(' ', {})").format(comma.join(map(sql.Identifier, keys))),
        "is_before": sql.SQL("{} is not null").format(of("b", keys)[0]),
        "is_after": sql.SQL("{} is not null").format(of("a", keys)[0]),
        "before_columns": comma.join(of("b", shared)),
        "after_columns": comma.join(of("a", shared)),
        "changes": sql.SQL("concat_ws(', ', {})").format(
            comma.join([change.format(name=sql.Literal(n), b=b, a=a) for n, b, a in pairs])
            or sql.SQL("''")
        ),
        "distance": sql.SQL(" + ").join(
            [
                sql.SQL("abs(coalesce({}, 0) - coalesce({}, 0))").format(a, b)
                for a, b in zip(of("a", moved), of("b", moved), strict=True)
            ]
        )
        if moved
        else sql.SQL("0"),
        "sums_before": sums(of("b", numbers)),
        "sums_after": sums(of("a", numbers)),
    }


def _text(value: Decimal | None) -> str:
    return "none" if value is None else f"{value:,}"
