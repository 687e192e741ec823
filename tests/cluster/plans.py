"""How the tables of a build are filled on a cluster, and what passes the coordinator for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

# What Citus calls its ways of an insert, and what they are here; it has no word for the best one.
METHODS = {
    "": "pushed down whole",
    "repartition": "from worker to worker",
    "pull to coordinator": "gathered on the coordinator",
}
LOCAL, ANSWERED = "of the coordinator's tables alone", "answers of workers, kept on the coordinator"


@dataclass(frozen=True)
class Filling:
    """How one model's table is filled.

    `rows` come to the coordinator for it: answers of workers, and what is gathered to be sent out.
    """

    model: str
    way: str
    rows: int


def fillings(connection: psycopg.Connection[Any], manifest: Path) -> Iterator[Filling]:
    """Of each model that is a table, as the latest build compiled it."""
    for node in json.loads(manifest.read_text(encoding="utf-8"))["nodes"].values():
        if node["resource_type"] == "model" and node["config"]["materialized"] != "view":
            yield filling(connection, node)


def filling(connection: psycopg.Connection[Any], node: dict[str, Any]) -> Filling:
    query, table = node["compiled_code"], f"{node['schema']}.{node['name']}"
    if node["config"]["meta"].get("placement") != "by_seller":
        plan = explained(connection, "analyze, format json", query)
        way = ANSWERED if list(answers(plan)) else LOCAL
        return Filling(node["name"], way, sum(answers(plan)))
    way = METHODS[method(explained(connection, "format json", f"insert into {table} {query}"))]
    # Citus does not analyze such an insert. Counted, rows stay on workers unless gathered; the
    # first answers are the counts.
    plan = explained(connection, "analyze, format json", f"select count(*) from ({query}) as t")
    gathered = 0
    if way == METHODS["pull to coordinator"]:
        [gathered] = connection.execute(f"select count(*) from {table}".encode()).fetchone() or (0,)
    return Filling(node["name"], way, sum(list(answers(plan))[1:]) + gathered)


def explained(connection: psycopg.Connection[Any], options: str, statement: str) -> Any:
    [plan] = connection.execute(f"explain ({options}) {statement}".encode()).fetchone() or (None,)
    return plan


def nodes_of(plan: Any) -> Iterator[dict[str, Any]]:
    """All of a plan, what workers do and what is computed beforehand among it."""
    if isinstance(plan, dict):
        yield plan
    for part in plan.values() if isinstance(plan, dict) else plan if isinstance(plan, list) else ():
        yield from nodes_of(part)


def method(plan: Any) -> str:
    return next(
        (n["INSERT/SELECT method"] for n in nodes_of(plan) if "INSERT/SELECT method" in n), ""
    )


def answers(plan: Any) -> Iterator[int]:
    """How many rows came back from workers, each time that they were asked."""
    for node in nodes_of(plan):
        if node.get("Custom Plan Provider") == "Citus Adaptive":
            yield int(node["Actual Rows"])
