"""Where the points of a chart stand: values into a box of pixels. Drawing alone, no figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

WIDTH, HEIGHT = 720, 280
LEFT, RIGHT, TOP, BOTTOM = 90, 140, 16, 44
COLOURS = ("#0b6e99", "#c2410c", "#4d7c0f", "#7e22ce")


@dataclass(frozen=True)
class Series:
    """A line, or a point where there is one: the name, its colour, and pixels from the top left."""

    name: str
    colour: str
    points: Sequence[tuple[float, float]]

    @property
    def path(self) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)


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


def chart(
    title: str,
    x_title: str,
    y_title: str,
    lines: Sequence[tuple[str, Sequence[tuple[Any, Any]]]],
    *,
    x_labels: Sequence[str] | None = None,
    shaded_from: int | None = None,
) -> Chart:
    """A chart from 0 of lines that are (name, points). With `x_labels` x counts places from 0."""
    most_x = _above(max((x for _, points in lines for x, _ in points), default=0))
    most_y = _above(max((y for _, points in lines for _, y in points), default=0))
    if x_labels is not None:
        most_x = Decimal(max(len(x_labels) - 1, 1))
    series = [
        Series(
            name,
            COLOURS[number % len(COLOURS)],
            [(_x(x, most_x), _y(y, most_y)) for x, y in points],
        )
        for number, (name, points) in enumerate(lines)
    ]
    return Chart(
        title,
        x_title,
        y_title,
        series,
        _places(x_labels, most_x) if x_labels is not None else _ticks(most_x, _x),
        _ticks(most_y, _y),
        None if shaded_from is None else _x(shaded_from, most_x),
    )


def _above(value: Any) -> Decimal:
    """The next 1, 2, 2.5 or 5 times a power of ten that is no smaller."""
    most = Decimal(value)
    if most <= 0:
        return Decimal(1)
    steps = (Decimal(step).scaleb(most.adjusted()) for step in ("1", "2", "2.5", "5", "10"))
    return next(step for step in steps if step >= most)


def _x(value: Any, most: Decimal) -> float:
    return float(LEFT + (WIDTH - LEFT - RIGHT) * Decimal(value) / most)


def _y(value: Any, most: Decimal) -> float:
    return float(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * Decimal(value) / most)


def _ticks(most: Decimal, place: Any) -> list[tuple[float, str]]:
    values = [most * step / 4 for step in range(5)]
    return [(place(value, most), _short(value)) for value in values]


def _places(labels: Sequence[str], most: Decimal) -> list[tuple[float, str]]:
    """Every label where there are few, else some six of them."""
    step = -(-len(labels) // 6)
    return [(_x(n, most), label) for n, label in enumerate(labels) if n % step == 0]


def _short(value: Decimal) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if value >= size:
            return f"{(value / size).normalize():f}{unit}"
    return f"{value.normalize():f}"
