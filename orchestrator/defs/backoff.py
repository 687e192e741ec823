"""How often Dagster ran a job for a window, and when it may ask again.

That a second run is harmless is Postgres's doing. This keeps a failing one from running all night,
and a failed one from being the last.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

PARTITION_TAG = "dagster/partition"
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=5), timedelta(hours=1)
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
FAILED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


@dataclass(frozen=True)
class Tries:
    """The runs of one job for one partition so far."""

    failed: int = 0
    last_failed_at: datetime | None = None
    running: str | None = None

    def pause(self, now: datetime) -> str | None:
        """Why not to ask again yet; None when it is time."""
        if self.running:
            return f"run {self.running[:8]} is under way"
        if self.last_failed_at is None:
            return None
        again_at = self.last_failed_at + min(
            FIRST_PAUSE * 2 ** min(self.failed - 1, 10), LONGEST_PAUSE
        )
        if now >= again_at:
            return None
        return (
            f"{self.failed} runs failed, the last at {self.last_failed_at:%H:%M} UTC:"
            f" asked again at {again_at:%H:%M} UTC"
        )


def read_tries(instance: dg.DagsterInstance, job: str, partition: str) -> Tries:
    """What the run history says of the job and the partition."""
    tags = {PARTITION_TAG: partition}
    running = instance.get_runs(dg.RunsFilter(job_name=job, tags=tags, statuses=UNDER_WAY), limit=1)
    failed = instance.get_run_records(dg.RunsFilter(job_name=job, tags=tags, statuses=FAILED))
    return Tries(
        failed=len(failed),
        last_failed_at=max((r.update_timestamp.astimezone(UTC) for r in failed), default=None),
        running=running[0].run_id if running else None,
    )
