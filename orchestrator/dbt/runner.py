"""One dbt command in this process, and what came of its nodes."""

import atexit
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from orchestrator.config import PROJECT_ROOT, Settings
from orchestrator.dbt.project import variables_of_dbt
from orchestrator.dbt.unit_tests import differences
from orchestrator.errors import SettleError

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

# Python looks for cycles once more before it ends: of dbt and Dagster a second, for nothing.
atexit.register(gc.freeze)

# Nothing on the terminal; what came of each node in the file that an error names.
LOGGING = ("--log-level", "none", "--log-level-file", "info", "--no-use-colors-file")


@dataclass(frozen=True)
class NodeResult:
    """What came of one node: `rows` as far as it wrote a table, `failures` of a test."""

    unique_id: str
    status: str
    message: str
    seconds: float
    rows: int | None
    failures: int | None


# Takes a node that has ended, with the unique ids of all that its command has selected.
Tell = Callable[[tuple[NodeResult, Sequence[str]]], None]


def run_dbt(
    settings: Settings,
    arguments: Sequence[str],
    *,
    project: Path = PROJECT_ROOT,
    manifest: "Manifest | None" = None,
) -> list[NodeResult]:
    """Run one dbt command in this process; raises SettleError naming the first node that failed."""
    nodes, failure = dbt_results(settings, arguments, project=project, manifest=manifest)
    if failure:
        raise SettleError(failure, detail=differing_rows(nodes))
    return nodes


def parse_project(
    settings: Settings, arguments: Sequence[str], *, project: Path = PROJECT_ROOT
) -> "Manifest":
    """The parsed project, to hand to one command: dbt changes what it is handed."""
    manifest = _answer(settings, ["parse", *arguments], project, None)
    return cast("Manifest", manifest)


def list_nodes(
    settings: Settings, arguments: Sequence[str], *, project: Path, manifest: "Manifest"
) -> list[str]:
    """What a selection selects, each as a selector of its own."""
    return cast("list[str]", _answer(settings, ["ls", *arguments], project, manifest) or [])


def dbt_results(
    settings: Settings,
    arguments: Sequence[str],
    *,
    project: Path = PROJECT_ROOT,
    manifest: "Manifest | None" = None,
    tell: Tell | None = None,
) -> tuple[list[NodeResult], str | None]:
    """Run one dbt command in this process: what came of each node, and why it failed if it did.

    `tell` is called in a thread of dbt's, for each node as it ends.
    """

    def told(result: Any, selected: Sequence[str]) -> None:
        if tell:
            tell((_node_result(result), selected))

    result = _invoke(settings, arguments, project, manifest, told)
    nodes = [_node_result(node) for node in getattr(result.result, "results", None) or []]
    return nodes, None if result.success else _failure(settings, arguments, result, nodes)


def _answer(
    settings: Settings, arguments: Sequence[str], project: Path, manifest: "Manifest | None"
) -> object:
    """What a command that runs no nodes answers."""
    result = _invoke(settings, arguments, project, manifest)
    if not result.success:
        raise SettleError(_failure(settings, arguments, result, ()))
    return result.result


def _invoke(
    settings: Settings,
    arguments: Sequence[str],
    project: Path,
    manifest: "Manifest | None",
    told: Callable[[Any, Sequence[str]], None] | None = None,
) -> "dbtRunnerResult":
    command = [*LOGGING, *arguments, "--project-dir", str(project)]
    with without_collector():
        from dbt.cli.main import dbtRunner  # a second to import, and most verbs never need it

        from orchestrator.dbt.once import done_once
        from orchestrator.dbt.sessions import kept_sessions
        from orchestrator.dbt.telling import telling

        with variables_of_dbt(settings), kept_sessions(), done_once(), telling(told):
            return dbtRunner(manifest=manifest).invoke(command)


def _failure(
    settings: Settings,
    arguments: Sequence[str],
    result: "dbtRunnerResult",
    nodes: Sequence[NodeResult],
) -> str:
    log = settings.home / "dbt" / "logs" / "dbt.log"
    if result.exception is not None:
        reason = str(result.exception).strip().splitlines()
        return f"dbt {arguments[0]} failed: {' '.join(reason)[:500]}; see {log}"
    return failure_line(arguments[0], nodes, log)


@contextmanager
def without_collector(*, to_the_end: bool = False) -> Iterator[None]:
    """Look for no cycles meanwhile: dbt keeps nearly all that it makes until its command ends.

    Looking through it again and again takes an eighth of a build, and a quarter of importing dbt
    and Dagster. What waits until then, about 100 MB, depends on the size of the project and not of
    the data. Where it is `to_the_end` of the process, nor afterwards: all is given back at once.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on and not to_the_end:
            gc.enable()


def _node_result(result: Any) -> NodeResult:
    answer = getattr(result, "adapter_response", None) or {}
    return NodeResult(
        unique_id=result.node.unique_id if hasattr(result, "node") else "",
        status=str(result.status),
        message=str(result.message),
        seconds=float(getattr(result, "execution_time", 0.0)),
        rows=answer.get("rows_affected") if _is_whole_table(result) else None,
        failures=getattr(result, "failures", None),
    )


def _is_whole_table(result: Any) -> bool:
    """Whether what the node wrote is all that its table has: by a key, it wrote what differed."""
    config = getattr(getattr(result, "node", None), "config", None)
    is_table = getattr(config, "materialized", None) == "table"
    return is_table and not getattr(config, "unique_key", None)


def failure_line(command: str, nodes: Iterable[NodeResult], log: Path) -> str:
    """How many nodes failed and why the first did."""
    failed = _failed(nodes)
    if not failed:
        return f"dbt {command} failed; see {log}"
    first = failed[0]
    why = " ".join(first.message.split())[:300]
    if differences(first.message):
        why = "its rows differ"
    return f"dbt {command}: {len(failed)} failed, first {_name(first)}: {why}; see {log}"


def differing_rows(nodes: Iterable[NodeResult]) -> str:
    """Of each unit test that failed, the rows expected and found."""
    tables = ((_name(node), differences(node.message)) for node in _failed(nodes))
    return "\n\n".join(f"{name}\n{table}" for name, table in tables if table)


def _failed(nodes: Iterable[NodeResult]) -> list[NodeResult]:
    return [node for node in nodes if node.status in ("error", "fail", "runtime error")]


def _name(node: NodeResult) -> str:
    """The model and the name of a unit test, else the name of the node."""
    kind, _, *names = node.unique_id.split(".")
    return ".".join(names) if kind == "unit_test" else names[0]
