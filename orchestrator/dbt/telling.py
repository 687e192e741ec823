"""dbt commands that tell of each node as it ends."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from dbt.task.runnable import GraphRunnableTask


@contextmanager
def telling(tell: Callable[[Any, Sequence[str]], None] | None) -> Iterator[None]:
    """Meanwhile commands in this process hand over each result, once it is among dbt's own.

    With it come the unique ids of all nodes that the command has selected.
    """
    usual = GraphRunnableTask._handle_result

    def handle(self: Any, result: Any) -> None:
        usual(self, result)
        if tell:
            tell(result, [node.unique_id for node in self._flattened_nodes])

    GraphRunnableTask._handle_result = handle  # type: ignore[method-assign]
    try:
        yield
    finally:
        GraphRunnableTask._handle_result = usual  # type: ignore[method-assign]
