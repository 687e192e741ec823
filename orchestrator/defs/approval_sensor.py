"""The sensor between people's approval and the payout: a run, or all that is missing."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, rows_of
from orchestrator.defs.assets import APPROVAL
from orchestrator.defs.backoff import Tries, read_tries
from orchestrator.defs.jobs import AssetJob
from orchestrator.defs.metadata import approvals_report
from orchestrator.defs.schedules import sensor_status
from orchestrator.errors import SettleError
from orchestrator.settlement.close import latest_closed
from orchestrator.settlement.windows import partition_key

NEW_APPROVALS = """
select
    a.payout_window,
    finance.run_name(a.payout_window, a.run) as name,
    max(a.approval_id) as approval_id
from finance.approvals as a
where a.approval_id > %s
group by a.payout_window, a.run
order by 3
"""


@dataclass(frozen=True)
class Batch:
    """A batch and what its last answer said."""

    batch_id: int
    window: str
    state: str
    note: str | None = None


@dataclass(frozen=True)
class Standing:
    """Where the latest closed window stands, in the database's own words.

    `unfinished` were frozen and have no certain answer, whatever their window, oldest first.
    `rejected` is the window's last batch where nobody has approved anew since.
    """

    window: str
    obstacles: tuple[str, ...] = ()
    pause: str | None = None
    unfinished: tuple[Batch, ...] = ()
    rejected: Batch | None = None
    approval_id: int | None = None


def approval_sensor(settings: Settings, job: AssetJob) -> dg.SensorDefinition:
    """Every tick ends in a run request or in what is missing; new approvals show on the graph."""

    @dg.sensor(
        name="approval_sensor",
        job=job,
        minimum_interval_seconds=60,
        default_status=sensor_status(settings),
        description="Pays the latest closed window once nothing stands in its way, resumes what"
        " has no certain answer, else says what is missing.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        try:
            events, cursor = _new_approvals(settings, context.cursor)
            answer = decide(
                read_standing(settings),
                lambda window: read_tries(context.instance, "pay", partition_key(window)),
                datetime.now(UTC),
            )
        except SettleError as error:
            return dg.SensorResult(skip_reason=str(error))
        return dg.SensorResult(
            run_requests=[answer] if isinstance(answer, dg.RunRequest) else None,
            skip_reason=answer if isinstance(answer, dg.SkipReason) else None,
            asset_events=events,
            cursor=cursor,
        )

    return sensor


def decide(
    standing: Standing, tries: Callable[[str], Tries], now: datetime
) -> dg.RunRequest | dg.SkipReason:
    """Pay when nothing stands in the way, resume what was frozen and not answered, else say why.

    A batch that fails again and again keeps neither another one nor the latest window back.
    """
    waiting = []
    for batch in standing.unfinished:
        said = f"batch {batch.batch_id} of {batch.window} is {batch.state}"
        said += f" ({batch.note})" if batch.note else ""
        if standing.pause:
            return dg.SkipReason(f"{said}; {standing.pause}")
        so_far = tries(batch.window)
        answer = _ask(batch.window, f"resume/{batch.batch_id}", said, so_far, now)
        if isinstance(answer, dg.RunRequest) or so_far.running:
            return answer
        waiting.append(answer.skip_message or "")
    if any(batch.window == standing.window for batch in standing.unfinished):
        return dg.SkipReason("; ".join(waiting))
    answer = _pay(standing, tries, now)
    if waiting and isinstance(answer, dg.SkipReason):
        return dg.SkipReason("; ".join((*waiting, answer.skip_message or "")))
    return answer


def _pay(
    standing: Standing, tries: Callable[[str], Tries], now: datetime
) -> dg.RunRequest | dg.SkipReason:
    """The latest window, of which no batch is open."""
    if batch := standing.rejected:
        said = f": {batch.note}" if batch.note else ""
        again = (
            f"batch {batch.batch_id} of {batch.window} was rejected{said}; nothing of it was paid:"
            " mend the cause, review and approve again"
        )
        return dg.SkipReason("; ".join((again, *standing.obstacles)))
    if standing.obstacles:
        return dg.SkipReason("; ".join(standing.obstacles))
    window = standing.window
    key = f"approved/{standing.approval_id or 0}"
    return _ask(window, key, f"window {window} is approved and due", tries(window), now)


def read_standing(settings: Settings) -> Standing:
    """Ask the database; raises SettleError where it does not answer."""
    window = latest_closed(settings)
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        [row] = rows_of(database, "window/payout_gate", window=window)
    rejected = row["rejected_batch"]
    return Standing(
        window,
        tuple(row["obstacles"]),
        row["pause"],
        tuple(Batch(**batch) for batch in row["unfinished"]),
        Batch(rejected, window, "rejected", row["rejected_note"]) if rejected else None,
        row["approval_id"],
    )


def _ask(
    window: str, what: str, said: str, tries: Tries, now: datetime
) -> dg.RunRequest | dg.SkipReason:
    pause = tries.pause(now)
    if pause:
        return dg.SkipReason(f"{said}; {pause}")
    # Postgres makes a second run harmless, the key only saves it. A failed one gets another.
    return dg.RunRequest(
        run_key=f"{window}/{what}/{tries.failed}", partition_key=partition_key(window)
    )


def _new_approvals(
    settings: Settings, cursor: str | None
) -> tuple[list[dg.AssetMaterialization], str]:
    """What was approved since the last tick, as people's materialization of the gate."""
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        found: list[dict[str, Any]] = rows(database, NEW_APPROVALS, int(cursor or 0))
    events = [
        dg.AssetMaterialization(
            APPROVAL,
            description=f"{new['name']} was approved.",
            partition=partition_key(new["payout_window"]),
            metadata=approvals_report(settings, new["payout_window"]),
        )
        for new in found
    ]
    return events, str(found[-1]["approval_id"]) if found else cursor or "0"
