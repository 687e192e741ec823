"""The Dagster code location: everything is wired here and made elsewhere."""

import sys
from pathlib import Path

import dagster as dg
from dagster_dbt import DbtCliResource

from orchestrator.assets import build_assets
from orchestrator.config import PROJECT_ROOT, Settings, load_settings
from orchestrator.dbt import manifest_path, prepare_dbt, project_variables
from orchestrator.jobs import approval_sensor, close_job, close_schedule, pay_job
from orchestrator.partitions import payout_windows


def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions of one installation; parses the dbt project where its manifest is stale."""
    prepare_dbt(settings)
    windows = payout_windows(settings)
    close, pay = close_job(), pay_job()
    return dg.Definitions(
        assets=build_assets(settings, manifest_path(settings), windows),
        jobs=[close, pay],
        schedules=[close_schedule(settings, close, project_variables()["close_lag_minutes"])],
        sensors=[approval_sensor(settings, pay)],
        resources={
            "dbt": DbtCliResource(
                project_dir=str(PROJECT_ROOT),
                profiles_dir=str(settings.home / "dbt"),
                dbt_executable=str(Path(sys.executable).parent / "dbt"),
            )
        },
    )


@dg.definitions
def definitions() -> dg.Definitions:
    """Loaded by `dagster` with the settings of the environment."""
    return build_definitions(load_settings())
