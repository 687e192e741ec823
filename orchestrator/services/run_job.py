"""Run a Dagster job in this process and turn its failure into the one line a person reads."""

import os
from contextlib import redirect_stdout

import dagster as dg

from orchestrator.config import Settings
from orchestrator.definitions import build_definitions
from orchestrator.defs.partitions import first_window
from orchestrator.defs.run_errors import is_failed_check, plain_reason
from orchestrator.errors import SettleError
from orchestrator.services.dagster_instance import kept_instance


def run_job(settings: Settings, name: str, partition: str | None = None) -> str | None:
    """Execute the job here, for one partition; the run is kept in this installation's history.

    Returns what does not hold where all work was done and only data checks failed. Raises
    SettleError with the one line that says why any other run failed.
    """
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    # dbt's lines are in its log; what a person should read is the outcome.
    with (
        kept_instance(settings) as instance,
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
    ):
        job = build_definitions(settings).resolve_job_def(name)
        try:
            result = job.execute_in_process(
                partition_key=partition,
                instance=instance,
                run_config=quiet,
                raise_on_error=False,
            )
        except dg.DagsterUnknownPartitionError:
            raise SettleError(
                f"no payout window begins on {partition}: the first is"
                f" {first_window(settings)}, that of the first stored close or else order"
                " (first_window in dbt_project.yml sets another)"
            ) from None
    if result.success:
        return None
    failures = [event for event in result.all_events if event.is_step_failure]
    reason = plain_reason(failures)
    if failures and all(map(is_failed_check, failures)):
        return reason
    raise SettleError(
        reason
        or f"the {name} run {result.run_id} failed before its first step; look at it in Dagster"
    )
