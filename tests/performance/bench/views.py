"""What people wait for: one seller's statement, one window's review, and the public views."""

from collections.abc import Iterator

from orchestrator.config import Component
from orchestrator.database.connection import sql_file
from tests.performance.bench.place import WINDOW, Size, median_seconds, place
from tests.performance.bench.results import Result

SIZES = {"small": Size(100, 6, 5), "medium": Size(1000, 26, 5), "full": Size(4000, 104, 2)}
SELLER = "select seller_id from finance.window_close_rows group by 1 order by sum(gross_minor) desc"
QUERIES = {
    "statement of the largest seller": sql_file("seller/statement"),
    "a window as it is now": sql_file("window/positions"),
    "review of a window": sql_file("window/review"),
    "reserve view, one seller": (
        "select * from settlement.seller_reserve where seller_id = %(seller)s"
    ),
    "roll-forward, one window": (
        "select * from settlement.liability_rollforward where period = %(window)s"
    ),
}


def run(scale: str) -> Iterator[Result]:
    size = SIZES[scale]
    with place() as here:
        here.fill(size)
        here.close_history()
        here.shell().done("close", WINDOW)
        with here.connect() as owner:
            row = owner.execute(f"{SELLER} limit 1".encode()).fetchone()
        assert row, "no close was stored"
        asked = {"seller": row[0], "window": WINDOW, "limit": 50}
        with here.connect(Component.ORCHESTRATOR) as database:
            for what, query in QUERIES.items():
                took = median_seconds(
                    lambda query=query: database.execute(query.encode(), asked).fetchall(), runs=5
                )
                yield Result("views", f"{what}, {size}", took * 1000, "ms")
