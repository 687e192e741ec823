"""What runs: the close of a window, its payout, and what asks for them."""

from typing import Any

import dagster as dg

from orchestrator.close import latest_closed
from orchestrator.config import Component, Environment, Settings
from orchestrator.database import connect, rows
from orchestrator.errors import SettleError
from orchestrator.partitions import partition_key

AssetJob = Any  # what define_asset_job returns; dagster does not export its class


def close_job() -> AssetJob:
    """One dbt build with everything before it, then the stored close."""
    return dg.define_asset_job(
        "close",
        # All models, also those that nothing stored depends on.
        selection=dg.AssetSelection.groups(
            "checks", "staging", "core", "marts", "seeds", "snapshots"
        )
        | dg.AssetSelection.assets("window_close"),
        description="Check wallets, build, store the close of the window and of missed ones.",
    )


def pay_job() -> AssetJob:
    """Freeze and submit, or resume."""
    return dg.define_asset_job(
        "pay",
        selection=dg.AssetSelection.assets("payout_batch"),
        description="Freeze the approved lines of the window and submit them, or resume.",
    )


def close_schedule(settings: Settings, job: AssetJob, lag_minutes: int) -> Any:
    """Sunday night: at the window's end plus the lag, in the settlement zone, DST included."""
    return dg.build_schedule_from_partitioned_job(
        job,
        name="sunday_night_close",
        hour_of_day=lag_minutes // 60,
        minute_of_hour=lag_minutes % 60,
        default_status=(
            dg.DefaultScheduleStatus.RUNNING
            if _runs_by_itself(settings)
            else dg.DefaultScheduleStatus.STOPPED
        ),
    )


def approval_sensor(settings: Settings, job: AssetJob) -> dg.SensorDefinition:
    """Every tick ends in a run request or in what is missing, in the database's own words."""

    @dg.sensor(
        name="approval_sensor",
        job=job,
        minimum_interval_seconds=60,
        default_status=(
            dg.DefaultSensorStatus.RUNNING
            if _runs_by_itself(settings)
            else dg.DefaultSensorStatus.STOPPED
        ),
    )
    def sensor() -> dg.RunRequest | dg.SkipReason:
        try:
            return decide(*_standing(settings))
        except SettleError as error:
            return dg.SkipReason(str(error))

    return sensor


def decide(
    window: str, obstacles: list[str], batch: dict[str, object] | None
) -> dg.RunRequest | dg.SkipReason:
    """Pay when nothing stands in the way, resume what was frozen and not answered, else say why."""
    if batch and batch["state"] in ("frozen", "submitting", "unknown"):
        return dg.RunRequest(
            run_key=f"{window}/resume/{batch['batch_id']}/{batch['tries']}",
            partition_key=partition_key(window),
        )
    if obstacles:
        return dg.SkipReason("; ".join(obstacles))
    return dg.RunRequest(
        # A key per approval: Postgres is what makes a second run harmless, this only saves it.
        run_key=f"{window}/approved/{batch['approval_id'] if batch else 0}",
        partition_key=partition_key(window),
    )


def _standing(settings: Settings) -> tuple[str, list[str], dict[str, object] | None]:
    window = latest_closed(settings)
    with connect(settings, Component.ORCHESTRATOR) as database:
        obstacles = [
            str(row["missing"])
            for row in rows(database, "select finance.payout_obstacles(%s) as missing", window)
        ]
        batch = rows(
            database,
            "select b.batch_id, b.state, c.tries, a.approval_id"
            " from (select max(approval_id) as approval_id from finance.approvals"
            "       where payout_window = %s) as a"
            " left join finance.payout_batches as b"
            "   on b.payout_window = %s and b.state <> 'rejected'"
            " left join finance.payout_calls as c on b.batch_id = c.batch_id",
            window,
            window,
        )
    return window, obstacles, batch[0] if batch else None


def _runs_by_itself(settings: Settings) -> bool:
    return settings.environment in (Environment.PRODUCTION, Environment.DEMO)
