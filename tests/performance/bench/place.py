"""A throwaway server, and marketplaces in it whose last week waits for its close."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.dbt.project import prepare_dbt
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.support.settings import make_settings
from tests.support.shell import Shell

# Monday 08:00: the close of the week before has fallen due.
NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
WINDOW = "2026-W46"
WEEK_STARTS, WEEK_ENDS = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)
# What people do, which no source table has: some sellers are owed, some owe, in two weeks.
ADJUSTMENTS = """
insert into finance.adjustments (
    seller_id, amount_minor, reason, entered_by, approved_by, entered_at, approved_at
)
select
    s.seller_id, case when number %% 2 = 0 then 1500 else -700 end, 'goodwill', 'ana', 'ben', at, at
from (
    select seller_id, row_number() over (order by seller_id) as number from marketplace.sellers
) as s
cross join lateral (
    select %s::timestamptz + n * interval '5 hours' as at from generate_series(-1, 1, 2) as n
) as instants
where number %% 40 = 0 or number %% 41 = 0
"""


def window(weeks_ago: int) -> str:
    """The window that ended so many weeks before the last one, WINDOW."""
    return f"{WEEK_STARTS - timedelta(weeks=weeks_ago):%G-W%V}"


@dataclass(frozen=True)
class Size:
    """How much trade: the mean orders of a seller per week."""

    sellers: int
    weeks: int
    orders: int

    def __str__(self) -> str:
        return f"{self.sellers:,} sellers, {self.weeks} weeks, {self.orders} orders a week each"


@dataclass(frozen=True)
class Place:
    """A home with a running server."""

    home: Path

    @property
    def settings(self) -> Settings:
        return make_settings(self.home, NOW.isoformat())

    def shell(self, now: datetime = NOW) -> Shell:
        """`settle` at that instant. Years of weeks are closed in one go: that may take hours."""
        return Shell(self.home, patience_s=7200, SETTLE_NOW=now.isoformat())

    def connect(self, component: Component = Component.OWNER) -> psycopg.Connection:
        return psycopg.connect(database_url(self.settings, component), autocommit=True)

    def fill(self, size: Size) -> None:
        arguments = {
            "--sellers": size.sellers,
            "--weeks": size.weeks,
            "--orders-per-seller-week": size.orders,
        }
        self.shell().done("generate", *(str(x) for pair in arguments.items() for x in pair))
        with self.connect() as owner:
            owner.execute(ADJUSTMENTS, [WEEK_STARTS])

    def close_history(self) -> None:
        """Store every close but the last. The clock shows the last one's morning after it."""
        self.shell(NOW - timedelta(weeks=1)).done("close")
        set_clock(self.settings)

    def processor_seconds(self) -> float:
        """What its servers have used of the processors so far: a difference depends on no load."""
        return sum(self.used_by_nodes())

    def used_by_nodes(self) -> list[float]:
        """The same of each server."""
        with self.connect() as database:
            row = database.execute("select current_setting('data_directory')").fetchone()
        assert row
        return [used_by_server(row[0])]

    def build_models(self, *options: str) -> dict[str, float]:
        """Build the models alone, one after another; returns the seconds of each."""
        environment = {**os.environ, **prepare_dbt(self.settings)}
        dbt = Path(sys.executable).parent / "dbt"
        arguments = ("--quiet", "run", "--threads", "1", *options)
        subprocess.run([dbt, *arguments], cwd=PROJECT_ROOT, env=environment, check=True)
        return model_times(self.home)


@contextmanager
def place() -> Iterator[Place]:
    """A home of its own, gone with its server afterwards."""
    home = Path(tempfile.mkdtemp(prefix="settle-bench-"))
    home.chmod(0o755)
    try:
        here = Place(home)
        prepare_database(here.settings)
        yield here
    finally:
        EmbeddedPostgres(home).stop()
        shutil.rmtree(home, ignore_errors=True)


def used_by_server(folder: str) -> float:
    """Processor seconds of the server whose data are there, on this machine."""
    server = psutil.Process(int(Path(folder, "postmaster.pid").read_text().split()[0]))
    while True:
        own, used = server.cpu_times(), 0.0
        for session in server.children():
            with suppress(psutil.NoSuchProcess):
                times = session.cpu_times()
                used += times.user + times.system
        # The server's own has those of sessions that ended: none may have meanwhile.
        if server.cpu_times()[2:4] == own[2:4]:
            return used + sum(own[:4])


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


@dataclass(frozen=True)
class Models:
    """The models of a week, medians of some runs: seconds of all, the server's, and of each."""

    took: float
    used: float
    each: dict[str, float]


def models_of_a_week(size: Size, runs: int = 5) -> Models:
    """In the build of a week, history being closed, when what the first builds do once is done."""
    times, used = [], []
    with place() as here:
        here.fill(size)
        here.close_history()
        here.build_models()
        # As the server does by itself in the hours until the next build, which then writes anew
        # what a build of all history left too large.
        with here.connect() as owner:
            owner.execute("vacuum analyze")
        here.build_models()
        for _ in range(runs):
            begun = here.processor_seconds()
            times.append(here.build_models())
            used.append(here.processor_seconds() - begun)
    return Models(
        statistics.median(sum(run.values()) for run in times),
        statistics.median(used),
        {name: statistics.median(run[name] for run in times) for name in times[0]},
    )


def processor_seconds(here: Place, work: Callable[[], object]) -> float:
    """What the work costs the server's processors."""
    begun = here.processor_seconds()
    work()
    return here.processor_seconds() - begun


def median_seconds(work: Callable[[], object], runs: int = 3) -> float:
    return statistics.median(seconds(work) for _ in range(runs))


def model_seconds(home: Path) -> float:
    """What the models took in the latest dbt run that built any, summed over its threads."""
    return sum(model_times(home).values())


def model_times(home: Path) -> dict[str, float]:
    """The same by model."""
    files = sorted((home / "dbt").rglob("run_results.json"), key=lambda f: f.stat().st_mtime)
    for file in reversed(files):
        results = json.loads(file.read_text())["results"]
        times = {
            r["unique_id"].split(".")[2]: r["execution_time"]
            for r in results
            if r["unique_id"].startswith("model.")
        }
        if times:
            return times
    raise AssertionError(f"no dbt run left its results in {home / 'dbt'}")
