"""What watches beside the gate: closes that were missed, the rail's webhooks, runs that failed."""

from datetime import UTC, datetime

import dagster as dg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.defs.assets import PAYOUT, WEBHOOKS
from orchestrator.defs.backoff import PARTITION_TAG, read_tries
from orchestrator.defs.jobs import AssetJob
from orchestrator.defs.metadata import payout_report
from orchestrator.defs.run_errors import plain_reason
from orchestrator.defs.schedules import sensor_status
from orchestrator.errors import SettleError
from orchestrator.settlement.close import latest_closed
from orchestrator.settlement.windows import partition_key, zone

# The schedule comes first: what it asks for is under way by then.
GRACE_MINUTES = 10


def missed_close_sensor(settings: Settings, job: AssetJob) -> dg.SensorDefinition:
    """Asks for the close of the latest closed window while it has none.

    A schedule forgets the ticks of a daemon that was down, and a run may fail. The run stores every
    earlier window without a close too, oldest first.
    """

    @dg.sensor(
        name="missed_close_sensor",
        job=job,
        minimum_interval_seconds=300,
        default_status=sensor_status(settings),
        description="Closes what the schedule missed, and asks again after a close that failed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        try:
            window = latest_closed(settings, grace_minutes=GRACE_MINUTES)
            missing = why_no_close(settings, window)
        except SettleError as error:
            return dg.SkipReason(str(error))
        if missing:
            return dg.SkipReason(missing)
        tries = read_tries(context.instance, "close", partition_key(window))
        pause = tries.pause(datetime.now(UTC))
        if pause:
            return dg.SkipReason(f"window {window} has no stored close; {pause}")
        return dg.RunRequest(
            run_key=f"{window}/missed/{tries.failed}", partition_key=partition_key(window)
        )

    return sensor


def why_no_close(settings: Settings, window: str) -> str | None:
    """Why nothing has to be closed; None where the window's close is due and missing."""
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        [found] = rows_of(database, "window/missed_close", window=window, timezone=zone().key)
    if found["is_stored"]:
        return f"window {window} is closed"
    if found["is_built_since"] and not found["is_built"]:
        return f"window {window} holds nothing: no fact is that old"
    return None


def webhook_sensor(settings: Settings) -> dg.SensorDefinition:
    """Reports the rail's new webhooks, and where they leave the batches they speak of."""

    @dg.sensor(
        name="webhook_sensor",
        minimum_interval_seconds=60,
        default_status=sensor_status(settings),
        description="Shows what the rail has told since the last tick; moves nothing.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
                [news] = rows_of(database, "payout/new_webhooks", cursor=int(context.cursor or 0))
            if news["last_id"] is None:
                return dg.SensorResult(skip_reason="no new webhook")
            seen = dg.AssetMaterialization(
                WEBHOOKS,
                description=f"{news['new_events']} new webhooks: {news['by_type']}.",
                metadata={
                    "new_events": news["new_events"],
                    "all_events": news["all_events"],
                    "by_type": news["by_type"],
                    "last_id": news["last_id"],
                },
            )
            moved = [
                dg.AssetObservation(
                    PAYOUT,
                    description=f"The rail told about {window}.",
                    partition=partition_key(window),
                    metadata=payout_report(settings, window),
                )
                for window in news["windows"]
            ]
        except SettleError as error:
            return dg.SensorResult(skip_reason=str(error))
        return dg.SensorResult(asset_events=[seen, *moved], cursor=str(news["last_id"]))

    return sensor


def failure_sensor(settings: Settings) -> dg.SensorDefinition:
    """A run that failed is an alert like any other: a row of finance.alerts, posted from there."""

    @dg.run_failure_sensor(
        name="failed_run_sensor",
        default_status=sensor_status(settings),
        description="Raises an alert for each run that failed, in the words of what refused.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        partition = run.tags.get(PARTITION_TAG, "")
        reason = plain_reason(context.get_step_failure_events()) or context.failure_event.message
        with connect(settings, Component.ORCHESTRATOR) as database:
            database.execute(
                "select finance.raise_alert('run_failed', %s, %s)",
                [
                    " ".join((run.job_name, partition)).strip(),
                    f"{run.job_name} run {run.run_id[:8]} failed: {reason}",
                ],
            )

    return sensor
