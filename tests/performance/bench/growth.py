"""The models of one weekly close after more and more history of the same trade."""

from collections.abc import Iterator

from tests.performance.bench.place import Models, Size, models_of_a_week
from tests.performance.bench.results import Result

MOST_NAMED = 6
SIZES = {
    "small": [Size(200, n, 5) for n in (4, 13)],
    "medium": [Size(4000, n, 5) for n in (4, 13, 26, 52)],
    "full": [Size(4000, n, 5) for n in (4, 13, 26, 52, 104)],
}


def run(scale: str) -> Iterator[Result]:
    first: Models | None = None
    ratio_of = f"{SIZES[scale][0].weeks} weeks"
    for size in SIZES[scale]:
        models = models_of_a_week(size)
        first = first or models
        ratio = models.took / first.took
        yield Result("growth", f"{size}", models.took, "s", ratio, ratio_of, at_most=1.1)
        ratio = models.used / first.used
        what = f"processor time, {size.weeks} weeks"
        yield Result("growth", what, models.used, "s", ratio, ratio_of, at_most=1.1)
        for name, took in _grown(models.each, first.each):
            ratio = took / first.each[name]
            yield Result("growth", f"of them {name}", took, "s", ratio, ratio_of)


def _grown(now: dict[str, float], first: dict[str, float]) -> list[tuple[str, float]]:
    """The models that take the most seconds more than at first."""
    by_growth = sorted(now.items(), key=lambda item: first[item[0]] - item[1])
    return [(name, took) for name, took in by_growth if took > first[name]][:MOST_NAMED]
