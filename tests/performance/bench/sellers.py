"""The models of one weekly close with more and more sellers, each with the same trade."""

from collections.abc import Iterator

from tests.performance.bench.place import Size, models_of_a_week
from tests.performance.bench.results import Result

RUNS = {"small": 1, "medium": 3, "full": 1}
SIZES = {
    "small": [Size(n, 4, 2) for n in (200, 2_000)],
    "medium": [Size(n, 4, 2) for n in (4_000, 40_000)],
    "full": [Size(n, 3, 1) for n in (4_000, 40_000, 400_000)],
}


def run(scale: str) -> Iterator[Result]:
    first = None
    for size in SIZES[scale]:
        models = models_of_a_week(size, RUNS[scale])
        took, used = (x / size.sellers * 1000 for x in (models.took, models.used))
        first = first or (took, used)
        ratio_of = f"{SIZES[scale][0].sellers:,} sellers"
        what = f"per 1,000 sellers, {size}"
        yield Result("sellers", what, took * 1000, "ms", took / first[0], ratio_of, at_most=1.1)
        what = f"processor time per 1,000 of {size.sellers:,}"
        yield Result("sellers", what, used * 1000, "ms", used / first[1], ratio_of, at_most=1.1)
