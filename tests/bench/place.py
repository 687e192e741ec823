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
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from command_line import Shell
from conftest import make_settings

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database import database_url
from orchestrator.dbt import prepare_dbt
from orchestrator.embedded import EmbeddedPostgres
from orchestrator.migrate import prepare_database

# Monday 08:00: the close of the week before has fallen due.
NOW = datetime(2026, 11, 16, 8, tzinfo=UTC)
WINDOW, WINDOW_BEFORE = "2026-W46", "2026-W45"
WEEK_STARTS, WEEK_ENDS = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)


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
        return Shell(self.home, SETTLE_NOW=now.isoformat())

    def connect(self, component: Component = Component.OWNER) -> psycopg.Connection:
        return psycopg.connect(database_url(self.settings, component), autocommit=True)

    def fill(self, size: Size) -> None:
        arguments = {
            "--sellers": size.sellers,
            "--weeks": size.weeks,
            "--orders-per-seller-week": size.orders,
        }
        self.shell().done("generate", *(str(x) for pair in arguments.items() for x in pair))

    def close_history(self) -> None:
        """Store every close but the last."""
        self.shell(NOW - timedelta(weeks=1)).done("close")

    def build_models(self) -> dict[str, float]:
        """Build the models alone, one after another; returns the seconds of each."""
        environment = {**os.environ, **prepare_dbt(self.settings)}
        dbt = Path(sys.executable).parent / "dbt"
        arguments = ("--quiet", "run", "--threads", "1")
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


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


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
