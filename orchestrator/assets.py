"""The asset graph of a payout week: sources, wallet checks, models, close, approval, payout."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtCliRuntimeError,
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    dbt_assets,
)

from orchestrator.check_wallets import check_new_wallets
from orchestrator.close import store_closes
from orchestrator.config import Settings
from orchestrator.dbt import build_arguments, failure_line, one_build
from orchestrator.errors import SettleError
from orchestrator.partitions import window_label
from orchestrator.pay import pay_window

SOURCES = {
    "sellers": "One row per seller, mutable.",
    "orders": "One row per seller's order.",
    "order_fees": "One row per fee of an order; negative is a credit.",
    "refunds": "One row per refund of an order.",
    "dispute_events": "One row per event of a dispute.",
}
WALLET_CHECKS = dg.AssetKey(["finance", "wallet_checks"])
APPROVAL = dg.AssetKey("approval")
COMPUTED = (
    dg.AssetKey(["core", "int_settlement__computed"]),
    dg.AssetKey(["core", "int_seller_health"]),
)


class StageTranslator(DagsterDbtTranslator):
    """Groups models by stage; the rest is dbt's own description of itself."""

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        folder = Path(dbt_resource_props["original_file_path"]).parts
        return folder[1] if folder[0] == "models" else folder[0]


def _why_dbt_failed(target_path: Path) -> str:
    results, log = target_path / "run_results.json", target_path / "dbt.log"
    nodes = json.loads(results.read_text())["results"] if results.exists() else []
    return failure_line("build", [(n["unique_id"], n["status"], n["message"]) for n in nodes], log)


def build_assets(
    settings: Settings, manifest: Path, windows: dg.WeeklyPartitionsDefinition
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """All nodes of the graph, for one installation."""
    sources = [
        dg.AssetSpec(["marketplace", name], description=text, group_name="sources")
        for name, text in SOURCES.items()
    ]

    @dg.asset(
        key=WALLET_CHECKS,
        deps=[dg.AssetKey(["marketplace", "sellers"])],
        group_name="checks",
        description="Format and checksum of every wallet address; an unchecked one is held.",
    )
    def wallet_checks() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"new_addresses": check_new_wallets(settings)})

    @dbt_assets(
        manifest=manifest,
        exclude="resource_type:unit_test",
        dagster_dbt_translator=StageTranslator(
            # The build runs every test and stops at one that fails. An event for each of them in
            # Dagster's log takes longer than the build itself.
            settings=DagsterDbtTranslatorSettings(enable_asset_checks=False)
        ),
        name="settlement_models",
    )
    def settlement_models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        with one_build(settings):
            invocation = dbt.cli(build_arguments(), context=context)
            try:
                yield from invocation.stream()
            except DagsterDbtCliRuntimeError as error:
                raise SettleError(_why_dbt_failed(invocation.target_path)) from error

    @dg.asset(
        partitions_def=windows,
        deps=COMPUTED,
        group_name="close",
        description="The stored close of a window: its rows as they were, append-only.",
    )
    def window_close(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        window = window_label(context.partition_key)
        result = store_closes(settings, window)
        return dg.MaterializeResult(
            metadata={"payout_window": window, "stored": ", ".join(result.stored) or "before"}
        )

    approval = dg.AssetSpec(
        APPROVAL,
        deps=[window_close.key],
        group_name="approval",
        partitions_def=windows,
        description="Finance approves the digest it reviewed, each under their own login:"
        " settle approve WINDOW --digest D --as NAME. Nothing below runs without it.",
    )

    @dg.asset(
        partitions_def=windows,
        deps=[APPROVAL],
        group_name="payout",
        description="The batch of a window at the rail: frozen from approved lines, sent once."
        " The database refuses without approval, whoever asks.",
    )
    def payout_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        result = pay_window(settings, window_label(context.partition_key))
        return dg.MaterializeResult(
            metadata={"batch_id": result.batch_id, "state": result.state, "sent_now": result.is_new}
        )

    webhook_events = dg.AssetSpec(
        ["halfin", "webhook_events"],
        deps=[payout_batch.key],
        group_name="outcomes",
        description="Signed webhooks of the rail, raw; a trigger moves the lines' states.",
    )
    return [
        *sources,
        wallet_checks,
        settlement_models,
        window_close,
        approval,
        payout_batch,
        webhook_events,
    ]
