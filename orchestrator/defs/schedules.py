"""When it runs, and whether this installation acts without being asked."""

from typing import Any

import dagster as dg

from orchestrator.config import Environment, Settings
from orchestrator.defs.jobs import AssetJob
from orchestrator.settlement.windows import zone

REFRESH_CRON = "30 2,6,10,14,18,22 * * *"  # the close is at a quarter past midnight
RECONCILE_CRON = "20 * * * *"


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
