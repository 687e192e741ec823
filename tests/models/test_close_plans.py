"""The plans a weekly build rests on: history is reached through indexes, never read through."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, database_url
from orchestrator.dbt.runner import run_dbt
from orchestrator.demo.generate import generate
from tests.support.settings import at, build_untested

MONDAY = datetime(2026, 11, 16, 0, 15, tzinfo=UTC)

# What models ask of the source tables. Each would read all history without its index.
QUERIES = {
    "recent orders": """
        select * from settlement_staging.stg_marketplace__orders where ordered_at >= '2026-11-15'
    """,
    "older orders that were touched": """
        select o.* from touched as t
        cross join lateral (
            select o.* from settlement_staging.stg_marketplace__orders as o
            where o.seller_id = t.seller_id and o.order_id = t.order_id
            order by o.order_id
            offset 0
        ) as o
    """,
    "their fees": """
        select f.* from touched as t
        cross join lateral (
            select f.* from settlement_staging.stg_marketplace__order_fees as f
            where f.seller_id = t.seller_id and f.order_id = t.order_id
            order by f.order_id
            offset 0
        ) as f
    """,
    "the type of a fee that a close has": """
        select (
            select max(f.fee_type) from settlement_staging.stg_marketplace__order_fees as f
            where f.seller_id = t.seller_id and f.fee_id = t.order_id
        ) as fee_type
        from touched as t
    """,
    "an order with its defect": """
        select o.* from touched as t
        cross join lateral (
            select o.* from settlement_core.int_orders__judged as o
            where o.seller_id = t.seller_id and o.order_id = t.order_id
            order by o.order_id
            offset 0
        ) as o
    """,
    "entries that no close holds": """
        select t.order_id from touched as t
        where not exists (
            select 1 from finance.window_close_entries as stored
            where
                stored.seller_id = t.seller_id
                and stored.source_id = t.order_id
                and stored.entry_type = 'order'
            offset 0
        )
    """,
    "orders known since": """
        select order_id from settlement_staging.stg_marketplace__orders
        where known_at >= '2026-11-15 23:00+00'
    """,
    "the last order before an instant": """
        select known_at from settlement_staging.stg_marketplace__orders
        where known_at < '2026-11-10' order by known_at desc limit 1
    """,
    "the first order": """
        select min(ordered_at) from settlement_staging.stg_marketplace__orders
        where not is_misdated
    """,
}
HISTORY = {"orders", "order_fees", "refunds", "dispute_events", "window_close_entries"}
CLOSED = """
insert into finance.window_closes (
    payout_window, window_starts_at, window_ends_at, payout_due_at, settlement_timezone, currency,
    row_count, net_minor, absorbed_disputes_minor, landed_before, landed_in
)
values ('2026-W40', '2026-09-28', '2026-10-05', '2026-10-06', 'UTC', 'USD', 0, 0, 0, 0, 0);
insert into finance.window_close_entries (
    payout_window, entry_type, source_id, order_id, seller_id, amount_minor, occurred_at, known_at,
    available_at
)
select
    '2026-W40', 'order', order_id, order_id, seller_id, 1, ordered_at, ordered_at, ordered_at
from marketplace.orders where ordered_at < '2026-09-28';
analyze finance.window_close_entries
"""


@pytest.fixture(scope="module")
def database(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """Twelve weeks of orders, and a few that a build looks at."""
    settings = at(settings, MONDAY)
    with connect(settings, Component.OWNER) as owner:
        generate(owner, sellers=100, weeks=12, orders_per_seller_week=20, until=MONDAY)
    build_untested(settings)
    with psycopg.connect(database_url(settings, Component.OWNER), autocommit=True) as owner:
        owner.execute(
            "create temporary table touched as select seller_id, order_id from marketplace.orders"
            " order by ordered_at desc limit 20"
        )
        owner.execute("analyze touched")
        owner.execute(CLOSED)
        yield owner


@pytest.mark.parametrize("what", QUERIES)
def test_history_is_reached_through_an_index(database: psycopg.Connection[Any], what: str) -> None:
    read = scanned(database, QUERIES[what])
    assert not read & HISTORY, read


def test_what_is_listed_as_bad_is_looked_up(
    settings: Settings, database: psycopg.Connection[Any]
) -> None:
    """Joined to the list by hash or merge, every fact there ever was would be read."""
    listed = "int_exceptions__facts"
    run_dbt(at(settings, MONDAY), ["compile", "--select", listed])  # now that a close is stored
    [model] = (settings.home / "dbt/target/compiled").rglob(f"{listed}.sql")
    answer = database.execute(b"explain (format json) " + model.read_bytes()).fetchone()
    assert answer
    joins = [n for n in nodes(answer[0][0]["Plan"]) if "Join Type" in n]
    [innermost] = [n for n in joins if listed in read_first(n)][-1:]
    assert innermost["Node Type"] == "Nested Loop"
    assert not set(_scans(innermost["Plans"][1], is_first_only=False)) & HISTORY


def read_first(join: dict[str, Any]) -> set[str]:
    """The tables on the side that a join begins with."""
    return {n["Relation Name"] for n in nodes(join["Plans"][0]) if "Relation Name" in n}


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)


def scanned(database: psycopg.Connection[Any], query: str) -> set[str]:
    """The tables that the query reads from end to end: with no index, or all of one."""
    answer = database.execute(b"explain (format json) " + query.encode()).fetchone()
    assert answer
    plan = answer[0] if isinstance(answer[0], list) else json.loads(answer[0])
    return set(_scans(plan[0]["Plan"], is_first_only=False))


def _scans(node: dict[str, Any], *, is_first_only: bool) -> Iterator[str]:
    is_scan = node["Node Type"] in ("Seq Scan", "Index Scan", "Index Only Scan")
    has_condition = "Index Cond" in node and "NOT NULL" not in node["Index Cond"]
    if is_scan and not has_condition and not is_first_only:
        yield node["Relation Name"]
    for child in node.get("Plans", []):
        yield from _scans(child, is_first_only=is_first_only or node["Node Type"] == "Limit")
