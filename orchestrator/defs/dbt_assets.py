"""Run dbt build inside a Dagster step: its models as materializations, its tests as checks."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from orchestrator.config import Settings
from orchestrator.dbt.beside import beside
from orchestrator.dbt.builds import build_week
from orchestrator.dbt.column_lineage import ColumnLineage
from orchestrator.dbt.runner import NodeResult, Tell
from orchestrator.defs.dbt_translator import TESTS, StageTranslator, home_of_test
from orchestrator.defs.markdown import table
from orchestrator.errors import SettleError

ASSETS = ("model", "seed", "snapshot")
BUILT, PASSED = "success", ("pass", "warn")


def build_models(
    settings: Settings,
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: StageTranslator,
) -> Iterator[Any]:
    """Build all of dbt here; yield an output and a check result per model, as they end.

    In this process, as a second one would spend longer on starting than on building. A build is
    whole or nothing is stored from it, so that a part of the models is never asked for. Raises
    SettleError naming the first node that failed, after the events that say so.
    """
    target = settings.home / "dbt" / "target-build"
    lineage = tests = None
    asked = context.selected_asset_check_keys
    # What is yielded is written down at once: Dagster's Python, while dbt waits for the server.
    for result, selected in beside(partial(_build, settings, target)):
        # Not before: where views are made, what they read has its columns by now.
        lineage = lineage or ColumnLineage(settings, manifest, target)
        tests = tests or _Tests(manifest, selected)
        print(f"{result.status:8} {result.seconds:6.2f} s  {result.unique_id}")
        kind = result.unique_id.partition(".")[0]
        if kind in ASSETS and result.status == BUILT:
            node = manifest["nodes"][result.unique_id]
            columns = _column_lineage(manifest, translator, lineage.of(result.unique_id))
            yield _built(context, translator.get_asset_key(node), result, columns)
        for unique_id, found in tests.ended(result):
            key = translator.get_asset_key(manifest["nodes"][unique_id])
            if dg.AssetCheckKey(key, TESTS) in asked:
                yield _judged(key, found)
    if lineage:
        lineage.keep()


def _build(settings: Settings, target: Path, tell: Tell) -> None:
    _, failure = build_week(settings, target, tell)
    if failure:
        raise SettleError(failure)


class _Tests:
    """The tests of each model, until the last one that its build has selected has ended."""

    def __init__(self, manifest: Mapping[str, Any], selected: Sequence[str]) -> None:
        self._manifest = manifest
        self._waiting = Counter(filter(None, map(self._home, selected)))
        self._found: dict[str, list[NodeResult]] = defaultdict(list)

    def ended(self, result: NodeResult) -> Iterator[tuple[str, list[NodeResult]]]:
        """The model whose last test this was, with all of them."""
        home = self._home(result.unique_id)
        if home:
            self._found[home].append(result)
            self._waiting[home] -= 1
            if not self._waiting[home]:
                yield home, self._found[home]

    def _home(self, unique_id: str) -> str | None:
        """None: no test, or of a source; dbt stops at that one all the same."""
        is_test = unique_id.startswith("test.")
        return home_of_test(self._manifest, unique_id) if is_test else None


def _built(
    context: dg.AssetExecutionContext,
    key: dg.AssetKey,
    result: NodeResult,
    columns: Mapping[str, Any],
) -> dg.Output[None] | dg.AssetMaterialization:
    metadata = {"unique_id": result.unique_id, "seconds": result.seconds, **columns}
    if result.rows is not None:
        metadata["dagster/row_count"] = result.rows
    # What nobody asked this step for was built all the same; so were the marts after the payout,
    # which are no part of it.
    if key not in context.selected_asset_keys:
        return dg.AssetMaterialization(key, metadata=metadata)
    return dg.Output(None, output_name=key.to_python_identifier(), metadata=metadata)


def _column_lineage(
    manifest: Mapping[str, Any],
    translator: StageTranslator,
    columns: Mapping[str, Sequence[Sequence[str]]],
) -> dict[str, Any]:
    """Columns and what they are made of: for Dagster itself, and as a table for people."""
    if not columns:
        return {}
    nodes = {**manifest["nodes"], **manifest["sources"]}
    lineage = {
        name: [
            dg.TableColumnDep(translator.get_asset_key(nodes[unique_id]), column)
            for unique_id, column in sources
        ]
        for name, sources in columns.items()
    }
    made_of = [
        {"column": name, "made_of": [f"{dep.asset_key.path[-1]}.{dep.column_name}" for dep in deps]}
        for name, deps in lineage.items()
    ]
    return {"dagster/column_lineage": dg.TableColumnLineage(lineage), "made_of": table(made_of)}


def _judged(key: dg.AssetKey, tests: Sequence[NodeResult]) -> dg.AssetCheckResult:
    failed = [
        f"{test.unique_id.split('.')[2]} ({test.failures or 0} rows)"
        for test in tests
        if test.status not in PASSED
    ]
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=TESTS,
        passed=not failed,
        metadata={
            "tests": len(tests),
            "failed": len(failed),
            "failed_tests": ", ".join(failed) or "none",
            "seconds": sum(test.seconds for test in tests),
        },
    )
