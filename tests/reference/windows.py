"""ISO weeks in a time zone, as half-open intervals of real time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)


@dataclass(frozen=True, order=True)
class Window:
    """[starts_at, ends_at), in UTC. `number` counts weeks, so that windows can be stepped."""

    number: int
    label: str
    starts_at: datetime
    ends_at: datetime

    def contains(self, instant: datetime) -> bool:
        return self.starts_at <= instant < self.ends_at


@cache
def window_numbered(number: int, timezone: ZoneInfo) -> Window:
    """Week `number`; week 0 begins on Monday 0001-01-01."""
    monday = date.fromordinal(number * 7 + 1)
    year, week, _ = monday.isocalendar()
    return Window(
        number=number,
        label=f"{year:04d}-W{week:02d}",
        starts_at=_midnight(monday, timezone),
        ends_at=_midnight(monday + WEEK, timezone),
    )


def window_of(instant: datetime, timezone: ZoneInfo) -> Window:
    """The window that contains the instant."""
    number = (instant.astimezone(timezone).date().toordinal() - 1) // 7
    window = window_numbered(number, timezone)
    # A clock put back over midnight shows the old date twice: time decides, not the date.
    if instant < window.starts_at:
        return window_numbered(number - 1, timezone)
    if instant >= window.ends_at:
        return window_numbered(number + 1, timezone)
    return window


def window_labelled(label: str, timezone: ZoneInfo) -> Window:
    """The window of a label such as 2020-W53; ValueError where that year has no such week."""
    year, _, week = label.partition("-W")
    monday = date.fromisocalendar(int(year), int(week), 1)
    return window_numbered((monday.toordinal() - 1) // 7, timezone)


def _midnight(day: date, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone).astimezone(UTC)
