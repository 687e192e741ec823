"""The SQL that dbt compiles, run in order without dbt: a small marketplace's build in milliseconds.

dbt builds the project once into a template database and compiles it twice more, as a full refresh
and as a weekly build. Copies of that database are then built by these statements alone. Views stand
as dbt made them; tables and the snapshot are filled anew, so materialization is left out: that dbt
itself leaves the same rows behind, test_simulation.py compares.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import TopologicalSorter
from typing import Any

import jinja2
import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import build_arguments
from orchestrator.dbt.runner import run_dbt
from orchestrator.embedded_postgres.server import DATABASE
from tests.simulation.databases import copy_of

# A real zone that stands nowhere else in the project's SQL: replaced by that of a history.
PLACEHOLDER_ZONE = "Etc/UTC"
VARIABLES = json.dumps({"settlement_timezone": PLACEHOLDER_ZONE})
COLUMNS = """
select n.nspname || '.' || c.relname, array_agg(a.attname::text order by a.attnum)
from pg_attribute as a
inner join pg_class as c on a.attrelid = c.oid
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname like 'settlement%' and a.attnum > 0 and not a.attisdropped
group by 1
"""


@dataclass(frozen=True)
class Node:
    """A model or snapshot: its SQL as a full refresh and as a weekly build compiles it."""

    name: str
    relation: str
    materialized: str
    columns: tuple[str, ...]
    whole: str
    weekly: str
    key: tuple[str, ...]  # of a row that takes the place of an older one
    before: tuple[str, ...]  # pre-hooks, as they are written
    after: tuple[str, ...]
    checked: tuple[str, ...]  # of a snapshot: what makes another version

    def statements(self, *, is_weekly: bool) -> Iterator[str]:
        """What a build does about it. Views stand as they are."""
        if self.materialized == "snapshot":
            yield snapshot(self.relation, self.whole, self.columns, self.checked)
        elif self.materialized == "table":
            yield f"delete from {self.relation}"
            yield self._insert(self.weekly if is_weekly else self.whole)
        elif self.materialized == "incremental":
            if is_weekly:
                yield from self._hooks(self.before)
            else:
                yield f"delete from {self.relation}"
            if is_weekly and self.key:
                yield self._replace()
            else:
                yield self._insert(self.weekly if is_weekly else self.whole)
            yield from self._hooks(self.after)

    def _replace(self) -> str:
        """In one statement, so that it reads what it replaces, and has a plan that can be kept.

        A temporary table, as dbt has one, would undo the plans of every session.
        """
        columns, key = ", ".join(self.columns), ", ".join(self.key)
        return f"""
            with newer as materialized ({self.weekly}
            ),
            gone as (
                delete from {self.relation} where ({key}) in (select {key} from newer) returning 1
            )
            insert into {self.relation} ({columns})
            select {columns} from newer where (select count(*) from gone) is not null"""

    def _insert(self, query: str) -> str:
        columns = ", ".join(self.columns)
        return f"insert into {self.relation} ({columns}) select {columns} from ({query}\n) as new"

    def _hooks(self, written: tuple[str, ...]) -> Iterator[str]:
        schema = self.relation.rpartition(".")[0]
        for one in written:
            hook = jinja2.Template(one).render(
                this=self.relation,
                ref=lambda name: f'{schema}."{name}"',
                is_incremental=lambda: True,
                is_scoped=lambda: True,
                analyze_table=lambda: "",
            )
            if hook.strip():
                yield hook


@dataclass(frozen=True)
class Project:
    """All nodes in the order in which a build takes them, for the windows of one zone."""

    nodes: tuple[Node, ...]
    zone: str = PLACEHOLDER_ZONE

    def build(self, settings: Settings, *, full_refresh: bool = False) -> None:
        """A whole build of the live schemas, as `settle build` leaves it."""
        with connect(settings, Component.DBT) as database:
            self.build_in(database, full_refresh=full_refresh)

    def build_in(self, database: psycopg.Connection[Any], *, full_refresh: bool = False) -> None:
        """The same in a transaction of dbt's that is open."""
        self._fill(database, full_refresh=full_refresh)
        database.execute("select finance.hand_over()")
        database.execute("select finance.complete_build('settlement', 'simulated')")

    @contextmanager
    def trial(self, database: psycopg.Connection[Any]) -> Iterator[None]:
        """A full refresh that nobody but the connection ever sees."""
        with database.transaction(force_rollback=True):
            self._fill(database, full_refresh=True)
            yield

    def _fill(self, database: psycopg.Connection[Any], *, full_refresh: bool) -> None:
        database.execute("set local role settle_dbt")
        [(is_stored,)] = database.execute("select exists (select from finance.window_closes)")
        database.execute("select finance.begin_build('settlement', null, 'simulated')")
        for statement in self._statements[is_stored and not full_refresh]:
            database.execute(statement)

    @cached_property
    def _statements(self) -> dict[bool, tuple[bytes, ...]]:
        """Of a weekly build, and of a full refresh."""
        return {
            is_weekly: tuple(
                self._here(statement).encode()
                for node in self.nodes
                for statement in node.statements(is_weekly=is_weekly)
            )
            for is_weekly in (True, False)
        }

    def _here(self, statement: str) -> str:
        return statement.replace(PLACEHOLDER_ZONE, self.zone)

    def replace_views(self, settings: Settings, *, only: frozenset[str] | None = None) -> None:
        """Make the views speak of the zone, or, of a changed project, say what changed."""
        with connect(settings, Component.DBT) as database:
            database.execute("set role settle_dbt")
            for node in self.nodes:
                if node.materialized == "view" and (only is None or node.name in only):
                    view = f"create or replace view {node.relation} as {node.whole}"
                    database.execute(self._here(view).encode())


def compile_project(settings: Settings) -> Project:
    """Build the project with dbt into an empty database, and compile it in both ways."""
    run_dbt(
        settings,
        [*build_arguments(), "--exclude-resource-type", "test", "--vars", VARIABLES],
    )
    whole = _compiled(settings, "--full-refresh")
    with copy_of(settings.home, DATABASE) as copy:
        with connect(copy, Component.OWNER) as database:
            database.execute(
                "insert into finance.window_closes (payout_window, window_starts_at,"
                " window_ends_at, payout_due_at, settlement_timezone, currency, row_count,"
                " net_minor, absorbed_disputes_minor, landed_before, landed_in)"
                " values ('2000-W01', '2000-01-03', '2000-01-10', '2000-01-11', 'UTC', 'USD',"
                " 0, 0, 0, 0, 0)"
            )
        weekly = _compiled(replace(settings, urls=copy.urls))  # parsed once for both
    with connect(settings, Component.OWNER) as database:
        columns = dict(database.execute(COLUMNS).fetchall())
    order = TopologicalSorter(
        {name: set(node["depends_on"]["nodes"]) & set(whole) for name, node in whole.items()}
    )
    return Project(
        tuple(_node(whole[name], weekly[name], columns) for name in order.static_order())
    )


def _compiled(settings: Settings, *arguments: str) -> Mapping[str, Any]:
    run_dbt(settings, ["compile", *arguments, "--vars", VARIABLES])
    manifest = json.loads(
        (settings.home / "dbt" / "target" / "manifest.json").read_text(encoding="utf-8")
    )
    return {
        name: node
        for name, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "snapshot")
    }


def _node(
    whole: Mapping[str, Any], weekly: Mapping[str, Any], columns: Mapping[str, list[str]]
) -> Node:
    schema, alias = whole["schema"], whole["alias"]
    return Node(
        name=whole["name"],
        relation=f'"{schema}"."{alias}"',
        materialized=whole["config"]["materialized"],
        columns=tuple(columns[f"{schema}.{alias}"]),
        whole=_anywhere(whole),
        weekly=_anywhere(weekly),
        key=_key(whole["config"]),
        before=tuple(hook["sql"] for hook in whole["config"]["pre-hook"]),
        after=tuple(hook["sql"] for hook in whole["config"]["post-hook"]),
        checked=tuple(whole["config"].get("check_cols") or ()),
    )


def _key(config: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        tuple(config["unique_key"])
        if config["materialized"] == "incremental" and config["unique_key"]
        else ()
    )


def _anywhere(node: Mapping[str, Any]) -> str:
    """The SQL without the database's name: copies have names of their own."""
    return str(node["compiled_code"]).replace(f'"{node["database"]}".', "")


def snapshot(relation: str, query: str, columns: Sequence[str], checked: Sequence[str]) -> str:
    """dbt's snapshot of strategy `check`: what differs from its latest version gets another."""
    own = ", ".join(name for name in columns if not name.startswith("dbt_"))
    new, old = (", ".join(f"{row}.{name}" for name in checked) for row in ("seen", "was"))
    return f"""
        with seen as (
            select s.*, finance.as_of('settlement') as seen_at from ({query}) as s
        ),
        changed as (
            select seen.* from seen
            left join {relation} as was
                on seen.seller_id = was.seller_id and was.dbt_valid_to is null
            where was.seller_id is null or ({new}) is distinct from ({old})
        ),
        ended as (
            update {relation} as was set dbt_valid_to = changed.seen_at from changed
            where was.seller_id = changed.seller_id and was.dbt_valid_to is null
        )
        insert into {relation}
            ({own}, dbt_scd_id, dbt_updated_at, dbt_valid_from, dbt_valid_to)
        select {own}, md5(seller_id || '|' || seen_at), seen_at, seen_at, null from changed"""
