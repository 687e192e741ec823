"""A payout window's label and its Monday, and the zone its week is counted in."""

from datetime import date
from zoneinfo import ZoneInfo

from orchestrator.decisions.decisions import monday_of
from orchestrator.project_variables import project_variables


def window_label(partition_key: str) -> str:
    """2026-11-16 -> 2026-W47."""
    year, week, _ = date.fromisoformat(partition_key).isocalendar()
    return f"{year}-W{week:02d}"


def partition_key(window: str) -> str:
    """2026-W47 -> 2026-11-16; ValueError where there is no such week."""
    return monday_of(window).isoformat()


def zone() -> ZoneInfo:
    """The settlement zone."""
    return ZoneInfo(project_variables()["settlement_timezone"])
