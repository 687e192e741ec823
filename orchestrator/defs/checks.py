"""The data checks of a window on the graph. The database refuses the payout too, whoever asks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.errors import FailedChecksError, SettleError
from orchestrator.settlement.windows import window_label

MART = "model.settle.window_checks"


def check_names(manifest: Mapping[str, Any]) -> list[str]:
    """The names that settlement.window_checks may hold, from its own accepted_values test."""
    for node in manifest["nodes"].values():
        test = node.get("test_metadata")
        if node.get("attached_node") == MART and test and test["name"] == "accepted_values":
            return sorted(test["kwargs"]["values"])
    raise SettleError(
        "models/marts/operations/window_checks.yml lists no check_name: give it accepted_values"
    )


def build_window_checks(
    settings: Settings,
    names: Sequence[str],
    close: dg.AssetKey,
    windows: dg.WeeklyPartitionsDefinition,
) -> dg.AssetChecksDefinition:
    """One blocking check per name on the close; two people's acceptance lets a failed one pass."""

    specs = [
        dg.AssetCheckSpec(
            name,
            asset=close,
            blocking=True,
            partitions_def=windows,
            description="See settlement.window_checks. Failed, it stops the payout of the"
            " window until it passes or two people have accepted it as it is.",
        )
        for name in names
    ]

    @dg.multi_asset_check(name="window_checks", specs=specs)
    def window_checks(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        window = window_label(context.partition_key)
        found = {check["check_name"]: check for check in read_checks(settings, window)}
        failed = []
        for name in names:
            result = judge(close, window, name, found.get(name))
            yield result
            if not result.passed:
                failed.append(f"{name} ({result.description})")
        if failed:
            raise FailedChecksError(
                f"{window} is not payable, as checks failed: {'; '.join(failed)}:"
                " mend the cause, or two people accept each"
            )

    return window_checks


def judge(
    close: dg.AssetKey, window: str, name: str, check: Mapping[str, Any] | None
) -> dg.AssetCheckResult:
    """A check as a result; one that was not computed fails."""
    if check is None:
        return dg.AssetCheckResult(
            asset_key=close,
            check_name=name,
            passed=False,
            description=f"{name} of {window} is not among what the last build computed",
        )
    accepted = list(check["accepted_by"])
    by = f"; accepted by {', '.join(accepted)}" if accepted else ""
    return dg.AssetCheckResult(
        asset_key=close,
        check_name=name,
        passed=check["state"] != "failed",
        description=check["detail"] + by,
        metadata={"accepted_by": ", ".join(accepted) or "nobody", "state": check["state"]},
    )


def read_checks(settings: Settings, window: str) -> list[dict[str, Any]]:
    """The checks of a window with who has accepted which failure."""
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        return rows_of(database, "window/checks", window=window)
