"""The models of one weekly close after more and more history of the same trade."""

from collections.abc import Iterator

from tests.performance.bench.place import Size, models_of_a_week
from tests.performance.bench.results import Result

SIZES = {
    "small": [Size(200, n, 5) for n in (4, 13)],
    "medium": [Size(4000, n, 5) for n in (4, 13, 26, 52)],
    "full": [Size(4000, n, 5) for n in (4, 13, 26, 52, 104)],
}


def run(scale: str) -> Iterator[Result]:
    first = None
    ratio_of = f"{SIZES[scale][0].weeks} weeks"
    for size in SIZES[scale]:
        took, used = models_of_a_week(size)
        first = first or (took, used)
        ratio = took / first[0]
        yield Result("growth", f"{size}", took, "s", ratio, ratio_of, at_most=1.1)
        ratio = used / first[1]
        what = f"processor time, {size.weeks} weeks"
        yield Result("growth", what, used, "s", ratio, ratio_of, at_most=1.1)
