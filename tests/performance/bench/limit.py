"""The SQL of one weekly close against hand-written statements, and one of them in DuckDB.

One computes every amount of the window's rows, one the 30 days of health that are stored with them,
and the first once more each of the two closes that a build compares with what they stored. Each row
must be the close's own.
"""

import statistics
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg import Rollback

from orchestrator.config import Component
from tests.performance.bench.copies import in_duckdb
from tests.performance.bench.place import (
    NOW,
    WEEK_ENDS,
    WEEK_STARTS,
    WINDOW,
    Place,
    Size,
    median_seconds,
    place,
    processor_seconds,
    seconds,
    window,
)
from tests.performance.bench.results import Result

RUNS = 5
SIZES = {"small": Size(200, 5, 5), "medium": Size(4000, 13, 5), "full": Size(4000, 52, 49)}


def _statement(name: str, weeks_ago: int = 0) -> str:
    text = (Path(__file__).parent / f"{name}.sql").read_text()
    ago = timedelta(weeks=weeks_ago)
    return text.format(
        starts_at=f"'{WEEK_STARTS - ago}'",
        ends_at=f"'{WEEK_ENDS - ago}'",
        # What became known later is in no window that had ended.
        as_of=f"'{WEEK_ENDS - ago if ago else NOW}'",
        window_before=f"'{window(weeks_ago + 1)}'",
    )


STATEMENT = _statement("limit")
HEALTH = _statement("health")
COMPARED = {window(n): _statement("limit", n) for n in (1, 2)}
STORED = """
select
    seller_id, gross_minor, fees_minor, taxes_minor, refunds_minor, disputes_minor, charges_minor,
    adjustments_minor, carried_forward_minor, net_minor, order_count::bigint
from finance.window_close_rows
where payout_window = %s
order by seller_id
"""
ROWS = f"""
select
    c.seller_id, c.gross_minor, c.fees_minor, c.taxes_minor, c.refunds_minor, c.disputes_minor,
    c.charges_minor, c.adjustments_minor, c.carried_forward_minor, c.net_minor,
    c.order_count::bigint, r.pending_minor
from settlement_core.int_settlement__computed as c
inner join settlement_core.int_seller_reserve as r on c.seller_id = r.seller_id
where c.payout_window = '{WINDOW}'
order by c.seller_id
"""
SUMS = f"""
select seller_id, gross_minor, fees_minor, refunds_minor, disputes_minor, last_7_days_minor
from settlement_core.int_seller_health__sums
where payout_window = '{WINDOW}'
order by seller_id
"""


def run(scale: str) -> Iterator[Result]:
    with place() as here:
        here.fill(SIZES[scale])
        here.close_history()
        here.shell().done("build")
        yield from measure(here, SIZES[scale])


def measure(here: Place, size: Size) -> Iterator[Result]:
    """All of it in one place whose last window was built and waits for its close."""
    storing = statistics.median(_store(here) for _ in range(RUNS))
    begun = here.processor_seconds()
    runs = [here.build_models() for _ in range(RUNS)]
    used = (here.processor_seconds() - begun) / len(runs)
    models = statistics.median(sum(times.values()) for times in runs)
    with here.connect() as database:
        ours = equal_rows(database)
        ask = lambda: database.execute(STATEMENT.encode()).fetchall()  # noqa: E731
        least = median_seconds(ask, RUNS)
        least_used = statistics.median(processor_seconds(here, ask) for _ in range(RUNS))
        ask_both = lambda: (ask(), database.execute(HEALTH.encode()).fetchall())  # noqa: E731
        both_used = statistics.median(processor_seconds(here, ask_both) for _ in range(RUNS))
        again = lambda: [database.execute(s.encode()).fetchall() for s in COMPARED.values()]  # noqa: E731
        again_used = statistics.median(processor_seconds(here, again) for _ in range(RUNS))
    yield Result("limit", f"hand-written statement, {size}", least, "s")
    what = "all models of the close"
    yield Result("limit", what, models, "s", models / least, "the statement", at_most=1.5)
    what = "processor time of that statement"
    yield Result("limit", what, least_used, "s")
    what = "processor time of those models"
    yield Result("limit", what, used, "s", used / least_used, "the statement's", at_most=4)
    what = "processor time of that statement and one for the health that a close stores"
    yield Result("limit", what, both_used, "s")
    yield Result("limit", "the models' against both", used, "s", used / both_used, "theirs")
    what = "processor time of that statement for the two closes that are compared again"
    yield Result("limit", what, again_used, "s")
    all_used = both_used + again_used
    yield Result("limit", "the models' against all four", used, "s", used / all_used, "theirs")
    for name, took in sorted(runs[-1].items(), key=lambda item: -item[1])[:6]:
        yield Result("limit", f"of them {name}", took, "s", took / least, "the statement")
    yield Result("limit", "storing the close", storing, "s", storing / least, "the statement")
    with in_duckdb(here) as duck:
        in_duck = median_seconds(lambda: duck.execute(STATEMENT).fetchall())
        _compare("DuckDB", duck.execute(STATEMENT).fetchall(), ours)
    yield Result("limit", "DuckDB", in_duck, "s", in_duck / least, "the statement")


def equal_rows(database: psycopg.Connection) -> list[tuple[object, ...]]:
    """The rows of the close as the models have them, once the statement has given the same."""
    ours = database.execute(ROWS.encode()).fetchall()
    _compare("Postgres", database.execute(STATEMENT.encode()).fetchall(), ours)
    health = database.execute(SUMS.encode()).fetchall()
    _compare("Postgres", database.execute(HEALTH.encode()).fetchall(), health)
    for name, statement in COMPARED.items():
        # What waits for release is of today, and no close stores it.
        rows = [row[:-1] for row in database.execute(statement.encode()).fetchall()]
        _compare("Postgres", rows, database.execute(STORED, [name]).fetchall())
    return ours


def _compare(who: str, rows: list[tuple[object, ...]], ours: list[tuple[object, ...]]) -> None:
    assert len(rows) == len(ours), f"{who} has {len(rows)} rows, the close {len(ours)}"
    different = [pair for pair in zip(rows, ours, strict=True) if pair[0] != pair[1]]
    assert not different, f"{who} and the close differ in {len(different)} rows: {different[0]}"


def _store(here: Place) -> float:
    """Seconds to store the close; undone, so that the next build computes the window again."""
    with here.connect(Component.ORCHESTRATOR) as database, database.transaction():
        took = seconds(lambda: database.execute("select finance.store_close(%s)", [WINDOW]))
        raise Rollback
    return took
