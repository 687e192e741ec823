"""Freeze and submit more and more lines: linear in time, bounded in memory."""

from collections.abc import Iterator

from tests.functions.batches.test_large_batches import paid
from tests.performance.bench.results import Result

LINES = {"small": [100, 1000], "medium": [4_000, 40_000], "full": [4_000, 40_000, 400_000]}
# One call takes no more than this, as a rail would have it.
LINES_PER_CALL = 40_000


def run(scale: str) -> Iterator[Result]:
    first = None
    for count in LINES[scale]:
        took, memory, body = paid(count, LINES_PER_CALL)
        each = took / count
        first = first or each
        ratio = each / first
        what = f"{count:,} lines"
        yield Result("batch", what, took, "s", ratio, "the first, per line", at_most=1.2)
        what = f"{count:,} lines, memory at the peak"
        yield Result("batch", what, memory / 2**20, "MB", memory / body, "the requests")
