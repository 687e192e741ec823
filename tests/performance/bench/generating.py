"""`settle generate`: how long a marketplace takes to make, all of it in SQL."""

from collections.abc import Iterator

from tests.performance.bench.place import Size, place, seconds
from tests.performance.bench.results import Result

SIZES = {"small": Size(200, 4, 5), "medium": Size(4000, 26, 5), "full": Size(4000, 52, 49)}


def run(scale: str) -> Iterator[Result]:
    size = SIZES[scale]
    with place() as here:
        begun = here.processor_seconds()
        took = seconds(lambda: here.fill(size))
        used = here.processor_seconds() - begun
        with here.connect() as database:
            row = database.execute("select count(*) from marketplace.orders").fetchone()
    orders = int(row[0]) if row else 0
    goal = 180 if scale == "full" else None
    yield Result("generate", f"{orders:,} orders ({size})", took, "s", at_most=goal)
    yield Result("generate", "processor time of the server", used, "s")
    yield Result("generate", "orders with all their facts", orders / took, "a second")
