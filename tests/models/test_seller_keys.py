"""No large relation is joined, ordered or made distinct across sellers: the way to more machines.

Read from the SQL that a real build compiled. A model that has to cross sellers says why, in its
`meta`.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect, rows
from orchestrator.dbt.column_lineage import _columns as columns_of
from orchestrator.dbt.column_lineage import _named_in as named_in
from tests.support.closed_week import closed_week
from tests.support.compiled import compiled
from tools.seller_keys import KEY, crossings

# Two facts of sellers, one relation that has none, and what reads them.
TABLES = {
    "facts": {
        "orders": dict.fromkeys(("seller_id", "order_id", "gross"), "text"),
        "fees": dict.fromkeys(("seller_id", "order_id", "amount"), "text"),
        "rails": dict.fromkeys(("rail", "currency"), "text"),
    }
}
CROSSES = {
    "a join by the order alone": (
        "select o.order_id from facts.orders as o join facts.fees as f on o.order_id = f.order_id",
        "joins f to o without the seller",
    ),
    "a join that may name the seller": (
        "select 1 from facts.orders as o join facts.fees as f"
        " on o.seller_id = f.seller_id or o.order_id = f.order_id",
        "joins f to o without the seller",
    ),
    "a join through a CTE": (
        "with o as (select * from facts.orders), f as (select * from facts.fees)"
        " select o.gross from o left join f on o.order_id = f.order_id",
        "joins f to o without the seller",
    ),
    "an existence across sellers": (
        "select 1 from facts.orders as o"
        " where exists (select 1 from facts.fees as f where f.order_id = o.order_id)",
        "looks into f for more than the row's own seller",
    ),
    "a lateral across sellers": (
        "select 1 from facts.orders as o cross join lateral"
        " (select f.seller_id, f.amount from facts.fees as f where f.order_id = o.order_id) as f",
        "joins f to o without the seller",
    ),
    "a window function": (
        "select row_number() over (partition by order_id order by gross) from facts.orders",
        "orders rows of several sellers together",
    ),
    "a window with a name": (
        "select sum(gross) over w from facts.orders window w as (order by order_id)",
        "orders rows of several sellers together",
    ),
    "a distinct": (
        "select distinct on (order_id) gross from facts.orders order by order_id, gross",
        "keeps one row of several sellers",
    ),
    "a recursion": (
        "with recursive o as (select 1 as n union all select n + 1 from o where n < 9)"
        " select n from o",
        "is recursive",
    ),
}
STAYS = {
    "a join by seller and order": (
        "select 1 from facts.orders as o"
        " join facts.fees as f on o.seller_id = f.seller_id and o.order_id = f.order_id"
    ),
    "a join of tuples": (
        "select 1 from facts.orders as o, facts.fees as f"
        " where (o.seller_id, o.order_id) = (f.seller_id, f.order_id)"
    ),
    "a join by using": "select 1 from facts.orders join facts.fees using (seller_id, order_id)",
    "a lateral within the seller": (
        "select 1 from facts.orders as o cross join lateral"
        " (select f.seller_id from facts.fees as f where f.seller_id = o.seller_id) as f"
    ),
    "an existence within the seller": (
        "select 1 from facts.orders as o"
        " where not exists (select 1 from facts.fees as f where f.seller_id = o.seller_id)"
    ),
    "a small relation": "select 1 from facts.orders as o join facts.rails as r on o.gross = r.rail",
    "a sum over all": "select sum(gross) from facts.orders",
    "a window within the seller": (
        "select sum(gross) over w from facts.orders"
        " window w as (partition by seller_id order by order_id)"
    ),
}


@pytest.mark.parametrize(("statement", "said"), CROSSES.values(), ids=CROSSES.keys())
def test_what_crosses_sellers_is_named(statement: str, said: str) -> None:
    assert [line.startswith(said) for line in crossings(statement, TABLES)] == [True]


@pytest.mark.parametrize("statement", STAYS.values(), ids=STAYS.keys())
def test_what_stays_within_a_seller_is_not(statement: str) -> None:
    assert list(crossings(statement, TABLES)) == []


def test_no_model_crosses_sellers_but_those_that_say_why() -> None:
    """A crossing is written down as `meta: {crosses_sellers: <why>}`, and goes when it does."""
    week = closed_week()
    manifest = read_manifest()
    columns = columns_of(week.copy())
    found = {
        unique_id: list(crossings(statement, named_in(statement, columns)))
        for unique_id, statement in compiled(manifest, week.home / "dbt" / "target-build")
    }
    said = {
        unique_id
        for unique_id in found
        if "crosses_sellers" in manifest["nodes"][unique_id]["meta"]
    }
    assert len(found) > 80
    assert {unique_id: lines for unique_id, lines in found.items() if lines} == {
        unique_id: found[unique_id] or ["nothing: take its crosses_sellers out"]
        for unique_id in said
    }


def test_every_key_of_a_large_table_has_the_seller_in_it() -> None:
    """What is unique is so within a seller, or no single machine could say that it is."""
    with connect(closed_week().copy(), Component.OWNER) as owner:
        found = rows(
            owner,
            """
            select i.indexrelid::regclass::text as index_name
            from pg_index as i
            inner join pg_class as c on c.oid = i.indrelid and c.relkind in ('r', 'p')
            inner join pg_attribute as a on a.attrelid = c.oid and a.attname = 'seller_id'
            where
                i.indisunique
                and a.attnum <> all (i.indkey)
                and (
                    c.relnamespace = 'marketplace'::regnamespace or c.relname like 'window_close_%'
                )
            """,
        )
    assert [row["index_name"] for row in found] == []


def read_manifest() -> Mapping[str, Any]:
    path = closed_week().home / "dbt" / "target" / "manifest.json"
    manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def test_tables_of_sellers_that_dbt_fills_have_the_seller_in_their_key() -> None:
    nodes = read_manifest()["nodes"]
    columns = columns_of(closed_week().copy())
    keys = {
        test["attached_node"]: test["test_metadata"]["kwargs"]["columns"]
        for test in nodes.values()
        if (test.get("test_metadata") or {}).get("name") == "primary_key"
    }
    tables = {
        node: key
        for node, key in keys.items()
        if nodes[node]["config"]["materialized"] in ("table", "incremental")
        and KEY in columns[nodes[node]["schema"]][nodes[node]["alias"]]
    }
    assert len(tables) > 15
    assert [node for node, key in tables.items() if KEY not in key] == []
