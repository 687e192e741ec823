"""Where the points of a chart stand: values into a box of pixels. Drawing alone, no figures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

# Narrow enough to be read on a phone, where the whole box is some 330 pixels wide.
WIDTH, HEIGHT = 480, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 22, 22, 46
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce")
FAINT = "#8a93a3"


@dataclass(frozen=True)
class Line:
    """Points in values, joined where `is_joined`; each may have a label beside it."""

    name: str
    points: Sequence[tuple[Any, Any]]
    labels: Sequence[str] = ()
    is_joined: bool = True
    is_faint: bool = False


@dataclass(frozen=True)
class Series:
    """The same in pixels from the top left: x, y and the label of each point."""

    name: str
    colour: str
    points: Sequence[tuple[float, float, str]]
    is_joined: bool

    @property
    def path(self) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in self.points)


@dataclass(frozen=True)
class Chart:
    """Series in one box; ticks are pixels with their label, `shaded` is where a shade begins."""

    title: str
    x_title: str
    y_title: str
    series: Sequence[Series]
    x_ticks: Sequence[tuple[float, str]]
    y_ticks: Sequence[tuple[float, str]]
    shaded: float | None = None

    width, height, left, top = WIDTH, HEIGHT, LEFT, TOP
    right_edge, bottom_edge = WIDTH - RIGHT, HEIGHT - BOTTOM


@dataclass(frozen=True)
class _Scale:
    """From the lowest to the highest tick."""

    low: Decimal
    high: Decimal
    step: Decimal

    def x(self, value: Any) -> float:
        return float(LEFT + (WIDTH - LEFT - RIGHT) * self._share(value))

    def y(self, value: Any) -> float:
        return float(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * self._share(value))

    def ticks(self, place: Callable[[Any], float]) -> list[tuple[float, str]]:
        count = int((self.high - self.low) / self.step)
        values = [self.low + self.step * number for number in range(count + 1)]
        return [(place(value), _short(value)) for value in values]

    def _share(self, value: Any) -> Decimal:
        return (Decimal(value) - self.low) / (self.high - self.low)


def chart(
    title: str,
    x_title: str,
    y_title: str,
    lines: Sequence[Line],
    *,
    x_labels: Sequence[str] | None = None,
    shaded_from: int | None = None,
    from_zero: bool = True,
) -> Chart:
    """A chart of lines, whose axes begin at 0 or, to tell points apart, near the lowest.

    With `x_labels` x counts places from 0.
    """
    x = _scale([x for line in lines for x, _ in line.points], from_zero=from_zero)
    y = _scale([y for line in lines for _, y in line.points], from_zero=from_zero)
    if x_labels is not None:
        x = _Scale(Decimal(0), Decimal(max(len(x_labels) - 1, 1)), Decimal(1))
    colours = iter(COLOURS * len(lines))
    return Chart(
        title,
        x_title,
        y_title,
        [
            _series(line, FAINT if line.is_faint else next(colours), x, y)
            for line in lines
            if line.points
        ],
        x.ticks(x.x) if x_labels is None else _places(x_labels, x),
        y.ticks(y.y),
        None if shaded_from is None else x.x(shaded_from),
    )


def _series(line: Line, colour: str, x: _Scale, y: _Scale) -> Series:
    labels = line.labels or [""] * len(line.points)
    points = [(x.x(a), y.y(b), label) for (a, b), label in zip(line.points, labels, strict=True)]
    return Series(line.name, colour, points, line.is_joined)


def _scale(found: Sequence[Any], *, from_zero: bool) -> _Scale:
    """Some four steps of 1, 2, 2.5 or 5 times a power of ten around the values."""
    values = [Decimal(value) for value in found] or [Decimal(0)]
    low, high = min(values), max(values)
    if from_zero or low == high:
        low, high = min(low, Decimal(0)), max(high, Decimal(0))
    step = _above((high - low) / 4)
    low = (low / step).to_integral_value(ROUND_FLOOR) * step
    high = (high / step).to_integral_value(ROUND_CEILING) * step
    return _Scale(low, high if high > low else low + 4 * step, step)


def _above(value: Decimal) -> Decimal:
    """The next 1, 2, 2.5 or 5 times a power of ten that is no smaller."""
    if value <= 0:
        return Decimal("0.25")
    steps = (Decimal(step).scaleb(value.adjusted()) for step in ("1", "2", "2.5", "5", "10"))
    return next(step for step in steps if step >= value)


def _places(labels: Sequence[str], scale: _Scale) -> list[tuple[float, str]]:
    """Every label where there are few, else some five of them."""
    step = -(-len(labels) // 5)
    return [(scale.x(n), label) for n, label in enumerate(labels) if n % step == 0]


def _short(value: Decimal) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if abs(value) >= size:
            return f"{(value / size).normalize():f}{unit}"
    return f"{value.normalize():f}"
