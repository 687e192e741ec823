"""What a change of the models would move, before it is merged.

What differs is built as of the last stored close, with all that reads it, and beside that as it was
where the change began, with all that either reads, into schemas of their own; then each public mart
that was built twice is compared, row by row.
"""

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, sql_file
from orchestrator.dbt.changes import build_both_as_of
from orchestrator.project_variables import project_variables

LAST_CLOSE = """
select coalesce(max(c.window_ends_at) + make_interval(mins => %s), settle_now()) as as_of
from finance.window_closes as c
"""
NUMBERS = ("numeric", "bigint", "integer")
# Marts compared at once: as many as dbt builds.
AT_ONCE = 2


@dataclass(frozen=True)
class MartDiff:
    """One public mart before and after; sums of the columns whose sum moved, as texts.

    Untouched, it reads nothing that changed, and was not built again.
    """

    name: str
    rows_before: int
    rows_after: int
    rows_differing: int
    sums: Mapping[str, tuple[str, str]]
    top_rows: Sequence[str]
    note: str | None = None
    is_untouched: bool = False


def diff_models(
    settings: Settings, base: Path, project: Path, as_of: datetime | None = None
) -> list[MartDiff]:
    """Build both dbt projects and compare all public marts; the live schemas are not touched.

    Raises SettleError where either does not build.
    """
    instant = as_of or _last_close(settings)
    builds = build_both_as_of(
        settings, base, project, instant, is_whole=not _state_tells_all(base, project)
    )
    before, after = _public_marts(builds.before), _public_marts(builds.after)

    def compare(name: str) -> MartDiff:
        is_built = name in builds.built
        return _diff(settings, name, before.get(name), after.get(name), is_built=is_built)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(compare, sorted(before | after)))


def _diff(settings: Settings, name: str, before: Any, after: Any, *, is_built: bool) -> MartDiff:
    if before is None or after is None:
        return MartDiff(name, 0, 0, 0, {}, (), "new" if after else "gone")
    if not is_built:
        return MartDiff(name.split(".", 2)[2], 0, 0, 0, {}, (), is_untouched=True)
    with connect(settings, Component.DBT) as database:
        database.execute("set role settle_dbt")
        return _compare(database, name, before, after)


def _state_tells_all(base: Path, project: Path) -> bool:
    """Whether dbt sees all that differs: it compares models, but no variables or materializations.

    Where dbt_project.yml or any macro differs, everything is built twice.
    """
    return _shared_by_models(base) == _shared_by_models(project)


def _shared_by_models(project: Path) -> dict[str, bytes]:
    files = [project / "dbt_project.yml", *(project / "macros").rglob("*.*")]
    return {str(file.relative_to(project)): file.read_bytes() for file in files}


def _last_close(settings: Settings) -> datetime:
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        [found] = rows(database, LAST_CLOSE, project_variables()["close_lag_minutes"])
    instant: datetime = found["as_of"]
    return instant


def _public_marts(target: Path) -> dict[str, Any]:
    """The public marts of a build by name, as its manifest has them."""
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
    none = [None] * (1 + len(numbers))
    sums = {
        column: (_text(old), _text(new))
        for column, old, new in zip(
            ["rows", *numbers],
            found["sums_before"] or none,
            found["sums_after"] or none,
            strict=True,
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
