"""The small hostile sample in a database: its policies, its closes, its expected figures."""

import csv
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from tests.reference.settings import NewSellers, Policy

VIEWS = ("seller_settlement", "seller_health", "seller_reserve")


def replace_policies(settings: Settings, schema: str, policies: Iterable[Policy]) -> None:
    """In place of the rows of the seed, in the schema of a build's seeds."""
    table = sql.Identifier(schema, "reserve_policies")
    with connect(settings, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute(sql.SQL("delete from {}").format(table))
        for row in policies:
            percent, days = row.holdback_percent, row.holdback_days
            dbt.execute(
                sql.SQL("insert into {} values (%s, %s, %s, %s, %s)").format(table),
                [row.policy, row.valid_from, row.reserve_days, percent, days],
            )


def add_new_sellers(settings: Settings, schema: str, rule: NewSellers) -> None:
    """A further row of that seed, in the schema of a build's seeds."""
    table = sql.Identifier(schema, "new_seller_policies")
    with connect(settings, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute(
            sql.SQL("insert into {} values (%s, %s, %s)").format(table),
            [rule.valid_from, rule.policy, rule.days],
        )


def close_until(settings: Settings, instant: datetime) -> None:
    """Store every closed window that ends by then, one by one."""
    with connect(settings, Component.ORCHESTRATOR) as orchestrator:
        labels = orchestrator.execute(
            "select payout_window from settlement.windows where is_closed"
            " and payout_window not in (select payout_window from finance.window_closes)"
            " and window_ends_at <= %s order by window_starts_at",
            [instant],
        ).fetchall()
    for (label,) in labels:
        with connect(settings, Component.ORCHESTRATOR) as orchestrator:
            orchestrator.execute("select finance.store_close(%s)", [label])


def stored_rows(settings: Settings) -> list[tuple[Any, ...]]:
    """All that closes have stored, whole."""
    with connect(settings, Component.OWNER) as owner:
        return [row for query in _STORED for row in owner.execute(query.encode())]


_STORED = tuple(
    f"select '{table}', t::text from finance.{table} as t order by 2"
    for table in ("window_closes", "window_close_rows", "window_close_entries")
)


def assert_equal(settings: Settings, schema: str, directory: Path) -> None:
    """Every column of the expected files, every row of both."""
    with connect(settings, Component.ORCHESTRATOR) as connection:
        for view in VIEWS:
            _assert_equal(connection, schema, view, directory)


def _assert_equal(
    connection: psycopg.Connection[Any], schema: str, view: str, directory: Path
) -> None:
    with (directory / f"{view}.csv").open(encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        columns = list(reader.fieldnames or ())
        expected = {tuple(row.values()) for row in reader}
    as_text = (sql.SQL("coalesce({}::text, '')").format(sql.Identifier(name)) for name in columns)
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(as_text), sql.Identifier(schema, view)
    )
    found = connection.execute(query).fetchall()
    wrong, missing = sorted(set(found) - expected), sorted(expected - set(found))
    shown = [f"  found    {row}" for row in wrong[:8]]
    shown += [f"  expected {row}" for row in missing[:8]]
    what = f"{directory.name}, {schema}.{view}, {columns}"
    assert not shown, "\n".join([f"{what}: {len(wrong)} wrong, {len(missing)} missing", *shown])
    assert len(found) == len(expected) > 0
