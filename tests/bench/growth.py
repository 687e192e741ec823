"""The close of one week after more and more history, and with more and more sellers."""

from collections.abc import Iterator

from place import WINDOW, Size, model_seconds, place, seconds
from results import Result

SIZES = {
    "small": [Size(100, 4, 5), Size(100, 8, 5)],
    "medium": [Size(1000, n, 5) for n in (4, 13, 26)] + [Size(4000, 4, 5)],
    "full": [Size(4000, n, 48) for n in (4, 13, 26, 52, 104)]
    + [Size(n, 4, 5) for n in (4_000, 40_000, 400_000)],
}


def run(scale: str) -> Iterator[Result]:
    first = None
    for size in SIZES[scale]:
        with place() as here:
            here.fill(size)
            here.close_history()
            took = seconds(lambda here=here: here.shell().done("close", WINDOW))
            models = model_seconds(here.home)
        first = first or models
        yield Result("growth", f"close, {size}", took, "s")
        yield Result("growth", f"its models, {size}", models, "s", models / first, "the first size")
