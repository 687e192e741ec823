"""Which of the nodes that may run a build begins first: the one with the longest way behind it.

dbt begins with what is least deep in the graph: tests that nothing waits for run while the long way
through orders, fees and entries waits, and at its end one of two threads has nothing to do.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from graphlib import TopologicalSorter
from typing import Any

from dbt.graph.queue import GraphQueue


def by_length(graph: Any) -> dict[str, int]:
    """How many nodes the longest way from each has, as a number below 0: the lowest goes first.

    Each counts as one: with the seconds of the build before, a build would end 3 % earlier.
    """
    after = {node: set(graph.successors(node)) for node in graph}
    numbers: dict[str, int] = {}
    for node in TopologicalSorter(after).static_order():
        numbers[node] = min((numbers[other] for other in after[node]), default=0) - 1
    return numbers


def _scores(_queue: GraphQueue, graph: Any) -> dict[str, int]:
    return by_length(graph)


@contextmanager
def longest_way_first() -> Iterator[None]:
    """dbt commands in this process meanwhile; what waits for what stays as it is."""
    usual = GraphQueue._get_scores
    GraphQueue._get_scores = _scores  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        GraphQueue._get_scores = usual  # type: ignore[method-assign]
