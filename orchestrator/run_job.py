"""Run a Dagster job in this process and turn its failure into the one line a person reads."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import dagster as dg

from orchestrator.config import Settings
from orchestrator.definitions import build_definitions
from orchestrator.errors import SettleError
from orchestrator.partitions import FIRST_MONDAY
from orchestrator.private_files import exclusive

# No telemetry, and no invitation in front of the graph.
INSTANCE = """\
telemetry:
  enabled: false
nux:
  enabled: false
"""

OURS = SettleError.__name__


@contextmanager
def kept_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """This installation's Dagster home, made at the first call; several may arrive at once."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(folder)
    with exclusive(folder / "settle.lock", 0o755):
        config = folder / "dagster.yaml"
        if not config.exists():
            config.write_text(INSTANCE, encoding="utf-8")
        instance = dg.DagsterInstance.get()
    with instance:
        yield instance


def run_job(settings: Settings, name: str, partition: str) -> None:
    """Execute the job for one partition; the run is kept in this installation's Dagster home."""
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
                f"no payout window begins on {partition}: the first began on {FIRST_MONDAY}"
            ) from None
    if not result.success:
        raise SettleError(_first_failure(result, name))


def _first_failure(result: dg.ExecuteInProcessResult, name: str) -> str:
    """Our own words where a step gave them, else the first line of what was at the bottom of it."""
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None and error.cls_name != OURS:
                error = error.cause
            if error is not None:
                text = error.message.strip()
                if error.cls_name == OURS:
                    return text.partition(": ")[2]
                return f"{event.step_key}: {text.splitlines()[0]}"
    return f"the {name} run {result.run_id} failed before its first step; look at it in Dagster"
