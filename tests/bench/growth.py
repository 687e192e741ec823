"""The models of one weekly close after more and more history, and with more and more sellers."""

import statistics
from collections.abc import Iterator

from place import Size, place
from results import Result

# More weeks of the same trade; more sellers with the same number of weeks.
WEEKS = {
    "small": [Size(200, n, 5) for n in (4, 13)],
    "medium": [Size(4000, n, 5) for n in (4, 13, 26, 52)],
    "full": [Size(4000, n, 49) for n in (4, 13, 26, 52)] + [Size(4000, 104, 5)],
}
SELLERS = {
    "small": [Size(200, 4, 5)],
    "medium": [Size(n, 4, 5) for n in (4_000, 40_000)],
    "full": [Size(n, 4, 5) for n in (4_000, 40_000, 400_000)],
}


def run(scale: str) -> Iterator[Result]:
    first = None
    for size in WEEKS[scale]:
        took = _models(size)
        first = first or took
        ratio_of = f"{WEEKS[scale][0].weeks} weeks"
        yield Result("growth", f"{size}", took, "s", took / first, ratio_of, at_most=1.1)
    first = None
    for size in SELLERS[scale]:
        each = _models(size) / size.sellers * 1000
        first = first or each
        ratio_of = "the first size"
        what = f"per 1,000 sellers, {size}"
        yield Result("growth", what, each * 1000, "ms", each / first, ratio_of, at_most=1.1)


def _models(size: Size) -> float:
    """Seconds of all models in the build of a week, history being closed; the median of three."""
    with place() as here:
        here.fill(size)
        here.close_history()
        return statistics.median(sum(here.build_models().values()) for _ in range(3))
