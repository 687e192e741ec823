"""The asset graph of a payout week, from the source tables to the books."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import build_dbt_asset_specs, dbt_assets

from orchestrator.config import Settings
from orchestrator.defs.checks import build_window_checks, check_names
from orchestrator.defs.dbt_assets import build_models
from orchestrator.defs.dbt_translator import StageTranslator, is_after_the_payout
from orchestrator.defs.metadata import close_report, payout_report, reconcile_report
from orchestrator.defs.previews import previews
from orchestrator.settlement.alerts import alert_changed_definitions
from orchestrator.settlement.check_wallets import check_new_wallets
from orchestrator.settlement.close import store_closes
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from orchestrator.settlement.windows import partition_key, window_label

WALLET_CHECKS = dg.AssetKey(["finance", "wallet_checks"])
CLOSE = dg.AssetKey("window_close")
APPROVAL = dg.AssetKey("approval")
PAYOUT = dg.AssetKey("payout_batch")
WEBHOOKS = dg.AssetKey(["halfin", "webhook_events"])
RECONCILED = dg.AssetKey("rail_reconciliation")
COMPUTED = (
    dg.AssetKey(["core", "int_settlement__computed"]),
    dg.AssetKey(["core", "int_seller_health"]),
    dg.AssetKey("window_checks"),
)
FINANCE, OPERATIONS, MARKETPLACE = "team:finance", "team:payouts", "team:marketplace"
# No two steps of a pool at once, whichever runs they are in.
BUILD_POOL, RAIL_POOL = "build", "rail"

Node = dg.AssetsDefinition | dg.AssetSpec | dg.AssetChecksDefinition


def build_assets(
    settings: Settings, manifest_file: Path, windows: dg.WeeklyPartitionsDefinition
) -> list[Node]:
    """All nodes of the graph, for one installation."""
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    with previews():
        return [
            *_sources(manifest),
            _wallet_checks(settings),
            *_models(settings, manifest),
            _window_close(settings, windows),
            build_window_checks(settings, check_names(manifest), CLOSE, windows),
            *_payout(settings, windows),
        ]


def _sources(manifest: Mapping[str, Any]) -> list[dg.AssetSpec]:
    """Tables that dbt reads and does not make, but for those that this graph makes."""
    return [
        dg.AssetSpec(
            [source["source_name"], source["name"]],
            description=source["description"]
            + (" As earlier weeks left it." if source["source_name"] == "finance" else ""),
            group_name="control" if source["source_name"] == "finance" else "sources",
            owners=[FINANCE if source["source_name"] == "finance" else MARKETPLACE],
            kinds={"postgres"},
        )
        for source in manifest["sources"].values()
        if dg.AssetKey([source["source_name"], source["name"]]) not in (WALLET_CHECKS, WEBHOOKS)
    ]


def _wallet_checks(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        key=WALLET_CHECKS,
        deps=[dg.AssetKey(["marketplace", "sellers"])],
        group_name="checks",
        owners=[OPERATIONS],
        kinds={"python", "postgres"},
        description="Format and checksum of every wallet address; an unchecked one is held.",
    )
    def wallet_checks() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"new_addresses": check_new_wallets(settings)})

    return wallet_checks


def _models(settings: Settings, manifest: Mapping[str, Any]) -> list[Node]:
    """One step builds all of dbt. The marts after the payout stand where they belong all the same:
    between the stages of one step there is no place for a person."""
    translator = StageTranslator()
    later = [node["name"] for node in manifest["nodes"].values() if is_after_the_payout(node)]

    @dbt_assets(
        manifest=manifest,
        exclude=" ".join(["resource_type:unit_test", *later]),
        dagster_dbt_translator=translator,
        name="settlement_models",
        pool=BUILD_POOL,
    )
    def settlement_models(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from build_models(settings, context, manifest, translator)

    if not later:
        return [settlement_models]
    specs = build_dbt_asset_specs(
        manifest=manifest, dagster_dbt_translator=translator, select=" ".join(later)
    )
    return [settlement_models, *map(_after_the_payout, specs)]


def _after_the_payout(spec: dg.AssetSpec) -> dg.AssetSpec:
    """What these marts read of the control tables is what the payout and the rail wrote there."""
    kept = [dep for dep in spec.deps if dep.asset_key.path[0] not in ("finance", "halfin")]
    return spec.replace_attributes(deps=[*kept, PAYOUT, WEBHOOKS, RECONCILED])


def _window_close(
    settings: Settings, windows: dg.WeeklyPartitionsDefinition
) -> dg.AssetsDefinition:
    @dg.asset(
        key=CLOSE,
        partitions_def=windows,
        deps=COMPUTED,
        group_name="close",
        owners=[FINANCE],
        kinds={"postgres"},
        pool=BUILD_POOL,
        description="The stored close of a window: its rows as they were, append-only. Its latest"
        " materialization has what finance reviews on Monday.",
    )
    def window_close(context: dg.AssetExecutionContext) -> Iterator[Any]:
        window = window_label(context.partition_key)
        result = store_closes(settings, window)
        for earlier in result.stored:
            if earlier != window:
                yield dg.AssetMaterialization(
                    CLOSE,
                    description=f"Stored with {window}.",
                    partition=partition_key(earlier),
                    metadata=close_report(settings, earlier),
                )
        yield dg.MaterializeResult(
            metadata={
                **close_report(settings, window),
                "stored": ", ".join(result.stored) or "before",
            }
        )

    return window_close


def _payout(settings: Settings, windows: dg.WeeklyPartitionsDefinition) -> list[Node]:
    """What stands below the gate, and the gate itself: people's decision, which no step makes."""
    approval = dg.AssetSpec(
        APPROVAL,
        deps=[CLOSE],
        group_name="approval",
        owners=[FINANCE],
        kinds={"human"},
        partitions_def=windows,
        description="Finance approves the digest it reviewed, each under their own login:"
        " `settle approve WINDOW --digest D --as NAME`. Nothing below runs without it.",
    )

    @dg.asset(
        key=PAYOUT,
        partitions_def=windows,
        deps=[APPROVAL],
        group_name="payout",
        owners=[OPERATIONS],
        kinds={"python", "postgres"},
        pool=RAIL_POOL,
        description="The batch of a window at the rail: frozen from approved lines, sent once."
        " The database refuses without approval, whoever asks.",
    )
    def payout_batch(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        window = window_label(context.partition_key)
        result = pay_window(settings, window)
        return dg.MaterializeResult(
            metadata={**payout_report(settings, window), "sent_now": result.is_new}
        )

    webhook_events = dg.AssetSpec(
        WEBHOOKS,
        deps=[PAYOUT],
        group_name="outcomes",
        owners=[OPERATIONS],
        kinds={"postgres"},
        description="Signed webhooks of the rail, raw; a trigger moves the lines' states.",
    )

    @dg.asset(
        key=RECONCILED,
        deps=[PAYOUT, WEBHOOKS],
        group_name="outcomes",
        owners=[OPERATIONS],
        kinds={"python", "postgres"},
        pool=RAIL_POOL,
        description="The rail, asked about every line without a certain outcome; failed money"
        " comes back here, and its ledger is compared with ours. Definitions of the database that"
        " are not as they were applied raise an alert.",
    )
    def rail_reconciliation() -> dg.MaterializeResult[None]:
        alert_changed_definitions(settings)
        moved = reconcile(settings)
        return dg.MaterializeResult(metadata={"moved": moved, **reconcile_report(settings)})

    return [approval, payout_batch, webhook_events, rail_reconciliation]
