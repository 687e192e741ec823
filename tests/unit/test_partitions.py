"""Windows as Dagster's partitions, and the schedule that closes them: zones, DST, weeks 53."""

from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.defs import partitions
from orchestrator.defs.jobs import close_job
from orchestrator.defs.partitions import payout_windows
from orchestrator.defs.schedules import close_schedule
from orchestrator.settlement.windows import partition_key, window_label
from tests.support.settings import make_settings

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Tehran")
SETTINGS = make_settings(Path("nowhere"))
WEEK = timedelta(days=7)


def in_zone(patch: pytest.MonkeyPatch, zone: str) -> None:
    patch.setattr(
        partitions,
        "project_variables",
        lambda: {"settlement_timezone": zone, "first_window": "2015-W01"},
    )


@given(st.dates(min_value=date(2015, 1, 5), max_value=date(2099, 12, 31)), st.sampled_from(ZONES))
def test_a_partition_is_the_local_week_of_its_label(day: date, zone: str) -> None:
    monday = day - timedelta(days=day.weekday())
    key = partition_key(window_label(day.isoformat()))
    assert key == monday.isoformat()
    with pytest.MonkeyPatch.context() as patch:
        in_zone(patch, zone)
        bounds = payout_windows(SETTINGS).time_window_for_partition_key(key)
    begins = datetime(monday.year, monday.month, monday.day)
    local = [
        at.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for at in (bounds.start, bounds.end)
    ]
    assert local == [begins, begins + WEEK]


@pytest.mark.parametrize("zone", ZONES)
def test_the_database_means_the_same_weeks(settings: Settings, zone: str) -> None:
    """Every Monday of 80 years, with their weeks 53 and changes of the clock."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        found = rows(
            database,
            "select to_char(day, 'YYYY-MM-DD') as key,"
            " finance.window_label(day at time zone %(zone)s, %(zone)s) as label,"
            " finance.window_starts_at((day + interval '1 hour') at time zone %(zone)s, %(zone)s)"
            "   = day at time zone %(zone)s as begins"
            " from generate_series(timestamp '2015-01-05', '2095-01-03', '7 days') as day".replace(
                "%(zone)s", f"'{zone}'"
            ),
        )
    assert len(found) > 4000
    assert all(row["begins"] for row in found)
    assert [row["label"] for row in found] == [window_label(row["key"]) for row in found]
    assert {"2015-W53", "2020-W53", "2026-W53"} <= {row["label"] for row in found}


@pytest.mark.parametrize(
    ("zone", "tick", "window"),
    [
        ("UTC", "2026-11-16T00:15:00", "2026-W46"),
        ("Europe/Berlin", "2026-03-30T00:15:00", "2026-W13"),  # summer time since yesterday
        ("Europe/Berlin", "2026-10-26T00:15:00", "2026-W43"),  # a week of 169 hours
        ("Asia/Tehran", "2027-01-04T00:15:00", "2026-W53"),
    ],
)
def test_the_schedule_asks_for_the_week_that_just_ended(
    monkeypatch: pytest.MonkeyPatch, zone: str, tick: str, window: str
) -> None:
    in_zone(monkeypatch, zone)
    job = close_job()

    @dg.asset(partitions_def=payout_windows(SETTINGS))
    def window_close() -> None: ...

    definitions = dg.Definitions(
        assets=[window_close], jobs=[job], schedules=[close_schedule(SETTINGS, job, 15)]
    )
    schedule = definitions.resolve_schedule_def("sunday_night_close")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("15 0 * * 1", zone)
    at = datetime.fromisoformat(tick).replace(tzinfo=ZoneInfo(zone))
    repository = definitions.get_repository_def()
    with dg.build_schedule_context(
        scheduled_execution_time=at, repository_def=repository
    ) as context:
        [request] = schedule.evaluate_tick(context).run_requests or []
    assert request.partition_key == partition_key(window)
