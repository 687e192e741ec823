"""The instants of a random world: boundaries to the microsecond, ties, delays, clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from .facts import Assignment, Order
from .settings import Settings
from .windows import window_of

MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)

# Where a zone keeps one clock all year: a year of 53 weeks, and plain turns of the year.
_YEAR_ENDS = (date(2020, 12, 31), date(2018, 1, 1), date(2026, 12, 31))


def first_monday(rng: Random, zone: ZoneInfo, weeks: int, around: date | None = None) -> datetime:
    """A window start that puts the day in the middle of the world.

    Without one, that is where a clock changes, or else a year's end.
    """
    days = [date(2017, 1, 1) + n * DAY for n in range(3 * 365)]
    changes = [d for d in days if _offset(d, zone) != _offset(d + DAY, zone)]
    middle = around or rng.choice(changes or list(_YEAR_ENDS))
    anchor = middle - timedelta(weeks=weeks // 2)
    monday = anchor - timedelta(days=anchor.weekday())
    return datetime.combine(monday, time(), tzinfo=zone).astimezone(UTC)


class Clockwork:
    """Draws instants within [starts_at, ends_at), many of them where an error would show."""

    def __init__(
        self,
        rng: Random,
        settings: Settings,
        starts_at: datetime,
        weeks: int,
        assignments: tuple[Assignment, ...] = (),
    ) -> None:
        self.rng = rng
        self.settings = settings
        self.assignments = assignments
        self.starts_at = starts_at
        # From the middle of a last week, so that a clock change cannot move it to a neighbour.
        last = window_of(starts_at + weeks * 7 * DAY - 3 * DAY, settings.timezone)
        self.ends_at = last.ends_at
        self.ties = [self.somewhere(starts_at, self.ends_at) for _ in range(6)]

    def near(self, instant: datetime) -> datetime:
        """Exactly there, or a microsecond off."""
        return instant + self.rng.choice((-1, 0, 0, 1)) * MICROSECOND

    def somewhere(self, low: datetime, high: datetime) -> datetime:
        """Within [low, high): to the microsecond, the second or the hour."""
        span = int((high - low) / MICROSECOND)
        instant = low + self.rng.randrange(span) * MICROSECOND
        cut = self.rng.choice((1, 1_000_000, 3_600_000_000))
        since = int((instant - low) / MICROSECOND)
        return low + (since - since % cut) * MICROSECOND

    def edge(self, instant: datetime) -> datetime:
        """The start or the end of the instant's window, or right beside it."""
        window = window_of(instant, self.settings.timezone)
        return self.near(self.rng.choice((window.starts_at, window.ends_at)))

    def ordered(self) -> datetime:
        draw = self.rng.random()
        if draw < 0.15:
            return self.rng.choice(self.ties)
        instant = self.somewhere(self.starts_at, self.ends_at)
        if draw < 0.35:
            return self.edge(instant)
        if draw < 0.45:  # its release falls on a window's edge
            return self.edge(instant) - self.settings.policy(instant).reserve_days * DAY
        return instant

    def release(self, order: Order) -> datetime:
        about = (order.ordered_at, order.seller_id, self.assignments)
        return order.ordered_at + self.settings.policy(*about).reserve_days * DAY

    def close(self, order: Order, seller_from: datetime) -> datetime:
        """Where the order's paying window ends."""
        known = max(order.ordered_at, order.recorded_at, seller_from)
        return window_of(max(self.release(order), known), self.settings.timezone).ends_at

    def happened(self, order: Order, seller_from: datetime) -> datetime:
        """When something happened to an order: mostly after it, now and then before it."""
        draw, start = self.rng.random(), order.ordered_at
        if draw < 0.40:
            return self.somewhere(start, start + 28 * DAY)
        if draw < 0.55:
            return self.near(self.release(order))
        if draw < 0.65:
            return self.near(self.close(order, seller_from))
        if draw < 0.72:
            return self.near(start)
        if draw < 0.80:
            return self.edge(start + self.rng.randrange(28) * DAY)
        if draw < 0.85:
            return start - self.rng.randrange(1, 72) * timedelta(hours=1)
        return self.rng.choice(self.ties)

    def recorded(self, happened: datetime, order: Order | None = None) -> datetime:
        """When it reached the database: at once, late by hours to weeks, or tied to its order."""
        draw = self.rng.random()
        if draw < 0.50:
            return happened
        if draw < 0.65:
            return happened + self.rng.randrange(1, 48) * timedelta(hours=1)
        if draw < 0.75:
            return happened + self.rng.randrange(2, 25) * DAY
        if draw < 0.90:
            return max(happened, self.edge(happened + self.rng.choice((0, 7, 14)) * DAY))
        if order is not None:
            return max(happened, order.recorded_at)
        return max(happened, self.rng.choice(self.ties))


def _offset(day: date, zone: ZoneInfo) -> timedelta | None:
    return datetime.combine(day, time(12), tzinfo=zone).utcoffset()
