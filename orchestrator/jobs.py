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
    if batch and batch.get("state") in ("frozen", "submitting", "unknown"):
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
        # Whatever its window: the weeks go on while a rail is away.
        unfinished = rows(
            database,
            "select b.payout_window, b.batch_id, b.state, c.tries"
            " from finance.payout_batches as b"
            " inner join finance.payout_calls as c on b.batch_id = c.batch_id"
            " where b.state in ('frozen', 'submitting', 'unknown')"
            " order by b.batch_id, c.sequence limit 1",
        )
        if unfinished:
            return str(unfinished[0]["payout_window"]), [], unfinished[0]
        obstacles = [
            str(row["missing"])
            for row in rows(database, "select finance.payout_obstacles(%s) as missing", window)
        ]
        [approval] = rows(
            database,
            "select max(approval_id) as approval_id from finance.approvals"
            " where payout_window = %s",
            window,
        )
    return window, obstacles, approval


def _runs_by_itself(settings: Settings) -> bool:
    return settings.environment in (Environment.PRODUCTION, Environment.DEMO)
