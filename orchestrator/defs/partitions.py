"""Weekly partitions, one per payout window, keyed by the window's Monday."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from orchestrator.config import Settings
from orchestrator.dbt.runner import project_variables

if TYPE_CHECKING:
    import dagster as dg

ONE_WEEK_DAYS = 7


def payout_windows(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """Mondays in the settlement zone; with SETTLE_NOW ahead of us, up to that instant."""
    import dagster as dg  # a second to import, and most verbs only want a label

    ahead = 0
    if settings.now:
        lead = datetime.fromisoformat(settings.now).astimezone(UTC) - datetime.now(UTC)
        ahead = max(0, lead.days // ONE_WEEK_DAYS + 1)
    variables = project_variables()
    return dg.WeeklyPartitionsDefinition(
        start_date=partition_key(variables["first_window"]),
        timezone=variables["settlement_timezone"],
        day_offset=1,
        end_offset=ahead,
    )


def window_label(partition_key: str) -> str:
    """2026-11-16 -> 2026-W47."""
    year, week, _ = date.fromisoformat(partition_key).isocalendar()
    return f"{year}-W{week:02d}"


def partition_key(window: str) -> str:
    """2026-W47 -> 2026-11-16; ValueError where there is no such week."""
    year, _, week = window.partition("-W")
    if len(year) != 4 or len(week) != 2:
        raise ValueError(window)
    return date.fromisocalendar(int(year), int(week), 1).isoformat()


def zone() -> ZoneInfo:
    """The settlement zone."""
    return ZoneInfo(project_variables()["settlement_timezone"])
