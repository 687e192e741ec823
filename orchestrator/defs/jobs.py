"""What runs: the refresh of the open window, the close, the payout, the reconciliation."""

from typing import Any

import dagster as dg

from orchestrator.defs.assets import CLOSE, PAYOUT, RECONCILED

AssetJob = Any  # what define_asset_job returns; dagster does not export its class
# All models, also those that nothing stored depends on.
BUILD = dg.AssetSelection.groups("checks", "staging", "core", "marts", "seeds", "snapshots")


def refresh_job() -> AssetJob:
    """The live schemas as of now; nothing is stored."""
    return dg.define_asset_job(
        "refresh",
        selection=BUILD,
        description="Check wallets and build: what the open window shows moves on, nothing else.",
    )


def close_job() -> AssetJob:
    """One dbt build with everything before it, then the stored close and its checks."""
    return dg.define_asset_job(
        "close",
        selection=BUILD | dg.AssetSelection.assets(CLOSE),
        description="Check wallets, build, store the close of the window and of missed ones.",
    )


def review_job() -> AssetJob:
    """Look at a stored close again, without a build: nothing is stored twice."""
    return dg.define_asset_job(
        "review",
        selection=dg.AssetSelection.assets(CLOSE),
        description="Show the window as it stands now: holds, approvals, and its checks once their"
        " cause is mended or people have accepted them.",
    )


def pay_job() -> AssetJob:
    """Freeze and submit, or resume."""
    return dg.define_asset_job(
        "pay",
        selection=dg.AssetSelection.assets(PAYOUT),
        description="Freeze the approved lines of the window and submit them, or resume.",
    )


def reconcile_job() -> AssetJob:
    """Ask the rail."""
    return dg.define_asset_job(
        "reconcile",
        selection=dg.AssetSelection.assets(RECONCILED),
        description="Ask the rail about lines without an outcome, compare its ledger with ours.",
    )
