"""What runs: the refresh of the open window, the close, the payout, the reconciliation."""

from typing import Any

import dagster as dg

from orchestrator.config import Environment, Settings
from orchestrator.defs.assets import CLOSE, PAYOUT, RECONCILED
from orchestrator.defs.partitions import zone

AssetJob = Any  # what define_asset_job returns; dagster does not export its class

# All models, also those that nothing stored depends on.
BUILD = dg.AssetSelection.groups("checks", "staging", "core", "marts", "seeds", "snapshots")
REFRESH_CRON = "30 2,6,10,14,18,22 * * *"  # the close is at a quarter past midnight
RECONCILE_CRON = "20 * * * *"


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


def close_schedule(settings: Settings, job: AssetJob, lag_minutes: int) -> Any:
    """Sunday night: at the window's end plus the lag, in the settlement zone, DST included."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="sunday_night_close",
        hour_of_day=lag_minutes // 60,
        minute_of_hour=lag_minutes % 60,
        default_status=schedule_status(settings),
    )


def refresh_schedule(settings: Settings, job: AssetJob) -> dg.ScheduleDefinition:
    """Through the day, so that sellers and finance see what is known by now."""
    return dg.ScheduleDefinition(
        name="refresh_through_the_day",
        job=job,
        cron_schedule=REFRESH_CRON,
        execution_timezone=zone().key,
        default_status=schedule_status(settings),
    )


def reconcile_schedule(settings: Settings, job: AssetJob) -> dg.ScheduleDefinition:
    """Every hour: money that failed is the seller's again once the rail has said so twice."""
    return dg.ScheduleDefinition(
        name="hourly_reconcile",
        job=job,
        cron_schedule=RECONCILE_CRON,
        execution_timezone=zone().key,
        default_status=schedule_status(settings),
    )


def runs_by_itself(settings: Settings) -> bool:
    """Whether this installation acts without being asked."""
    return settings.environment in (Environment.PRODUCTION, Environment.DEMO)


def schedule_status(settings: Settings) -> dg.DefaultScheduleStatus:
    """What a schedule of this installation does at first."""
    status = dg.DefaultScheduleStatus
    return status.RUNNING if runs_by_itself(settings) else status.STOPPED


def sensor_status(settings: Settings) -> dg.DefaultSensorStatus:
    """What a sensor of this installation does at first."""
    status = dg.DefaultSensorStatus
    return status.RUNNING if runs_by_itself(settings) else status.STOPPED
