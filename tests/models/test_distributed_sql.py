"""The SQL that a cluster runs, held to on one server: within sellers, and with the same rows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from sqlglot import exp, parse_one

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import build_arguments
from orchestrator.dbt.column_lineage import _columns as columns_of
from orchestrator.dbt.column_lineage import _named_in as named_in
from orchestrator.dbt.runner import run_dbt
from tests.support.closed_week import closed_week
from tests.support.compiled import compiled
from tools.seller_keys import DIALECT, crossings

# With one close stored, a build looks back no further than its window.
SCOPED = {"recheck_windows": 1}
# Facts of an order that is older than that, and a fee of none, which came after the close.
LATE = """
with seller as (select min(seller_id) as seller_id from marketplace.sellers),
orders as (
    insert into marketplace.orders (
        order_id, checkout_id, seller_id, currency, gross_amount, ordered_at
    )
    select 'late', 'late', seller_id, 'USD', 90, '2026-09-01 12:00+00' from seller
),
fees as (
    insert into marketplace.order_fees (
        fee_id, order_id, seller_id, fee_type, amount, charged_at
    )
    select names.fee_id, names.fee_id, seller_id, 'commission', 0, '2026-09-01 12:00+00'
    from seller cross join (values ('late'), ('stray')) as names (fee_id)
),
refunds as (
    insert into marketplace.refunds (
        refund_id, order_id, seller_id, amount, refunded_at, reason, reverses_refund_id
    )
    select names.refund_id, 'late', seller_id, 10, '2026-09-02 12:00+00', 'returned', names.of
    from seller cross join (values ('late', null), ('back', 'late')) as names (refund_id, of)
)
insert into marketplace.dispute_events (
    dispute_event_id, dispute_id, order_id, seller_id, event_type, amount, occurred_at
)
select named.event_id, named.dispute_id, 'late', seller_id, named.event_type, 5,
    '2026-09-03 12:00+00'
from seller
cross join (
    values ('a', 'open', 'opened'), ('b', 'ended', 'opened'), ('c', 'ended', 'won')
) as named (event_id, dispute_id, event_type)
"""
# What they reach: else two empty results would be called equal.
REACHED = {
    "int_dispute_events", "int_exceptions__facts", "int_facts__seen", "int_order_fees",
    "int_orders", "int_orders__candidates", "int_orders__disputed", "int_orders__touched",
    "int_refunds__paired",
}  # fmt: skip


@dataclass(frozen=True)
class Both:
    """Each model's SQL on one server and on a cluster, compiled after the same build."""

    settings: Settings
    nodes: Mapping[str, Any]
    plain: dict[str, str]
    distributed: dict[str, str]


@pytest.fixture(scope="module")
def both() -> Both:
    settings = closed_week().copy()
    with connect(settings, Component.OWNER) as owner:
        owner.execute(LATE)
    found = []
    for arguments, said in (
        ([*build_arguments(), "--exclude-resource-type", "test"], SCOPED),
        (["compile"], {**SCOPED, "distributed": True}),
    ):
        target = settings.home / arguments[0]
        given = ["--vars", json.dumps(said), "--target-path", str(target)]
        run_dbt(settings, [*arguments, *given])
        manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))
        found.append(dict(compiled(manifest, target)))
    return Both(settings, manifest["nodes"], *found)


def test_no_model_crosses_sellers_on_a_cluster_but_those_that_say_why(both: Both) -> None:
    columns = columns_of(both.settings)
    found = {
        node: list(crossings(text, named_in(text, columns)))
        for node, text in both.distributed.items()
        if "crosses_sellers" not in both.nodes[node]["meta"]
    }
    assert len(found) > 80
    assert {node: lines for node, lines in found.items() if lines} == {}


def test_every_fact_as_it_came_begins_with_its_seller(both: Both) -> None:
    """Citus sends a union to workers only where all of its parts have the seller in one place."""
    columns = """
    select table_name, column_name from information_schema.columns
    where ordinal_position = 1 and table_schema = 'settlement_staging'
    """
    [raw] = (node for node in both.nodes.values() if node["name"] == "int_raw_facts")
    reads = {both.nodes[read]["name"] for read in raw["depends_on"]["nodes"]}
    with connect(both.settings, Component.OWNER) as owner:
        first = dict(owner.execute(columns).fetchall())
    assert len(reads) == 5
    assert {name: first[name] for name in reads} == dict.fromkeys(reads, "seller_id")


def test_entries_are_one_union_of_tables_on_the_workers(both: Both) -> None:
    """Citus gathers a union of unions on the coordinator, whole, for each model that reads it."""
    named = {node["name"]: node for node in both.nodes.values()}
    reads = {both.nodes[n]["name"] for n in named["int_entries__known"]["depends_on"]["nodes"]}
    kept = {
        name: (named[name]["config"]["materialized"], named[name]["config"]["meta"]["placement"])
        for name in reads - {"int_build"}
    }
    assert len(kept) == 5
    assert kept == dict.fromkeys(kept, ("table", "by_seller"))


def test_what_differs_on_a_cluster_finds_the_same_rows(both: Both) -> None:
    apart, filled = {}, set()
    with connect(both.settings, Component.OWNER) as owner:
        for node, there in both.distributed.items():
            if (here := both.plain[node]) != there:
                counts = (
                    f"select (select count(*) from ({here}) as t),"
                    f" (select count(*) from (({here}) except all ({there})) as t),"
                    f" (select count(*) from (({there}) except all ({here})) as t)"
                )
                [(rows, *differing)] = owner.execute(counts.encode()).fetchall()
                name = both.nodes[node]["name"]
                apart[name] = differing
                filled |= {name} if rows else set()
    assert {name: rows for name, rows in apart.items() if rows != [0, 0]} == {}
    assert filled >= REACHED


def outer_beside_lateral(statement: str) -> Iterator[str]:
    """The joins of a select that has an outer one, and a lateral one that reads a relation."""
    for select in parse_one(statement, dialect=DIALECT).find_all(exp.Select):
        joins = select.args.get("joins") or []
        laterals = [j for j in joins if isinstance(j.this, exp.Lateral) and j.find(exp.Table)]
        if laterals and any(join.side for join in joins):
            yield from (join.sql(DIALECT) for join in laterals)


def test_a_lateral_beside_an_outer_join_is_named() -> None:
    lateral = "left join lateral (select f.amount from facts.fees as f order by 1) as f on true"
    inner = "inner join facts.rails as r on r.rail = o.rail"
    assert len(list(outer_beside_lateral(f"select 1 from facts.orders as o {lateral}"))) == 1
    assert list(outer_beside_lateral(f"select 1 from facts.orders as o {inner}")) == []


def test_no_large_model_has_a_lateral_beside_an_outer_join(both: Both) -> None:
    """Citus 14 reads what the outer join adds as if all of its columns were null."""
    found = {node: list(outer_beside_lateral(text)) for node, text in both.distributed.items()}
    assert {node: joins for node, joins in found.items() if joins} == {}
