"""After a payout: asks for a build, so that what it computes follows the money that moved."""

import dagster as dg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.defs.jobs import AssetJob
from orchestrator.defs.schedules import sensor_status
from orchestrator.errors import SettleError


def refresh_sensor(settings: Settings, job: AssetJob) -> dg.SensorDefinition:
    """A refresh after the payout, and after each reconciliation or decision that moved a line.

    Once for each: its run is named after the last move. Where it fails that is an alert, and the
    schedule comes by within hours.
    """

    @dg.sensor(
        name="refresh_sensor",
        job=job,
        minimum_interval_seconds=60,
        default_status=sensor_status(settings),
        description="Asks for a refresh once lines have moved money since the last build.",
    )
    def sensor() -> dg.RunRequest | dg.SkipReason:
        try:
            with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
                found = rows_of(database, "payout/moved_since_build")
        except SettleError as error:
            return dg.SkipReason(str(error))
        if not found:
            return dg.SkipReason("no line has moved money since the last build")
        [moved] = found
        if moved["is_paying"]:
            return dg.SkipReason(f"the payout of {moved['payout_window']} is under way")
        return dg.RunRequest(run_key=f"moved/{moved['line_event_id']}")

    return sensor
