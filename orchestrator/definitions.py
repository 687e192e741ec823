"""The Dagster code location: everything is wired here and made elsewhere."""

import dagster as dg

from orchestrator.config import Settings, load_settings
from orchestrator.dbt.builds import manifest_path
from orchestrator.defs.approval_sensor import approval_sensor
from orchestrator.defs.assets import build_assets
from orchestrator.defs.jobs import close_job, pay_job, reconcile_job, refresh_job, review_job
from orchestrator.defs.partitions import payout_windows
from orchestrator.defs.refresh_sensor import refresh_sensor
from orchestrator.defs.schedules import close_schedule, reconcile_schedule, refresh_schedule
from orchestrator.defs.sensors import failure_sensor, missed_close_sensor, webhook_sensor
from orchestrator.project_variables import project_variables


def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions of one installation; parses the dbt project where its manifest is stale."""
    windows = payout_windows(settings)
    close, pay, refresh, reconcile = close_job(), pay_job(), refresh_job(), reconcile_job()
    return dg.Definitions(
        assets=build_assets(settings, manifest_path(settings), windows),
        # The steps of a run follow each other: a process for each would only take its time.
        executor=dg.in_process_executor,
        jobs=[close, pay, refresh, reconcile, review_job()],
        schedules=[
            close_schedule(settings, close, project_variables()["close_lag_minutes"]),
            refresh_schedule(settings, refresh),
            reconcile_schedule(settings, reconcile),
        ],
        sensors=[
            approval_sensor(settings, pay),
            missed_close_sensor(settings, close),
            webhook_sensor(settings),
            refresh_sensor(settings, refresh),
            failure_sensor(settings),
        ],
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """Loaded by `dagster` with the settings of the environment."""
    return build_definitions(load_settings())
