"""Which node a build begins first."""

from itertools import pairwise
from typing import Any

import networkx as nx
from dbt.contracts.graph.manifest import Manifest
from dbt.graph.queue import GraphQueue

from orchestrator.dbt.order import longest_way_first

# Orders to the settlement, each with a test that the next one waits for, and tests that are ends.
WAY = ["orders", "test_orders", "fees", "entries", "test_entries", "settlement"]
ENDS = [f"test_{number}" for number in range(4)]


def begun(graph: Any) -> list[str]:
    """The nodes in the order in which two threads begin them, all of which take equally long."""
    queue = GraphQueue(graph, Manifest(), set(graph))
    found: list[str] = []
    while graph:
        together = [queue.inner.get()[1] for _ in range(min(2, queue.inner.qsize()))]
        for node in together:
            queue._mark_in_progress(node)
        for node in together:
            queue.mark_done(node)
        found.append("+".join(together))
    return found


def graph_of_a_week() -> Any:
    graph = nx.DiGraph(pairwise(WAY))
    graph.add_nodes_from(ENDS)
    return graph


def test_what_most_waits_for_is_begun_first_and_nothing_before_what_it_waits_for() -> None:
    with longest_way_first():
        assert begun(graph_of_a_week()) == [
            "orders+test_0",
            "test_orders+test_1",
            "fees+test_2",
            "entries+test_3",
            "test_entries",
            "settlement",
        ]


def test_dbt_itself_leaves_the_long_way_for_the_end() -> None:
    """As long as it does, ours is worth it."""
    assert len(begun(graph_of_a_week())) == len(WAY) + 1
