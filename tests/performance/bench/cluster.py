"""The same week on one server and on a Citus cluster: each node's work, and what is pushed down.

Measured where SETTLE_TEST_CITUS_URL names a cluster whose nodes run on this machine.
"""

import shutil
import statistics
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from orchestrator.config import Settings
from tests.cluster.nodes import (
    URL,
    Cluster,
    drop_database,
    environment,
    install,
    make_database,
    nodes_given,
)
from tests.cluster.plans import Filling, fillings
from tests.cluster.weeks import spread
from tests.performance.bench.place import NOW, Place, Size, place, used_by_server
from tests.performance.bench.results import Result
from tests.support.postgres import open_folder
from tests.support.shell import Shell

SIZES = {"small": Size(200, 4, 5), "medium": Size(4000, 6, 5), "full": Size(4000, 6, 25)}
WORKERS, RUNS = (2, 4), 2


@dataclass(frozen=True)
class Week:
    """The models in the build of a week, history being closed: medians of some runs.

    `used` has the processor seconds of each server, the coordinator's first.
    """

    seconds: float
    used: tuple[float, ...]

    @property
    def share(self) -> float:
        """The coordinator's, of all nodes' work, in per cent."""
        return 100 * self.used[0] / sum(self.used)


@dataclass(frozen=True)
class ClusterPlace(Place):
    """A home without a server: its database is on all nodes of a cluster."""

    cluster: Cluster

    @property
    def settings(self) -> Settings:
        return self.cluster.settings(NOW.isoformat())

    def shell(self, now: datetime = NOW) -> Shell:
        urls = environment(dict(self.settings.urls))
        return Shell(self.home, patience_s=7200, SETTLE_NOW=now.isoformat(), **urls)

    def close_history(self) -> None:
        """On the coordinator, as dbt_project.yml has it; then all goes to the workers."""
        super().close_history()
        spread(self.settings)

    def build_models(self, *options: str) -> dict[str, float]:
        return super().build_models("--vars", '{"distributed": true}', *options)

    def used_by_nodes(self) -> list[float]:
        folders = (n.run("postgres", "show data_directory")[0][0] for n in self.cluster.nodes)
        return [used_by_server(folder) for folder in folders]

    def fillings(self) -> list[Filling]:
        """Asked as the administrator: Citus explains some parts in a session with itself."""
        manifest = self.home / "dbt" / "target" / "manifest.json"
        url = self.cluster.coordinator.url(self.cluster.database)
        with psycopg.connect(url, autocommit=True) as connection:
            return list(fillings(connection, manifest))


@contextmanager
def cluster_place(workers: int) -> Iterator[ClusterPlace]:
    """A database on the coordinator and so many workers, gone afterwards."""
    coordinator, *others = nodes_given()
    home = open_folder("bench")
    cluster = Cluster(coordinator, tuple(others[:workers]), "settle_bench", home)
    drop_database(cluster)
    make_database(cluster, workers)
    try:
        install(cluster)
        yield ClusterPlace(home, cluster)
    finally:
        drop_database(cluster)
        shutil.rmtree(home, ignore_errors=True)


def week(here: Place, size: Size) -> Week:
    here.fill(size)
    here.close_history()
    here.build_models()
    times, used = [], []
    for _ in range(RUNS):
        before = here.used_by_nodes()
        times.append(sum(here.build_models().values()))
        used.append([now - then for now, then in zip(here.used_by_nodes(), before, strict=True)])
    medians = (statistics.median(of_node) for of_node in zip(*used, strict=True))
    return Week(statistics.median(times), tuple(medians))


def run(scale: str) -> Iterator[Result]:
    size, given = SIZES[scale], nodes_given()
    if not given:
        print(f"  {URL} is not set: no cluster was measured")
        return
    with place() as one:
        alone = week(one, size)
    yield Result("cluster", f"models on one server, {size}", alone.seconds, "s")
    yield Result("cluster", "processor time of the server", alone.used[0], "s")
    measured = [workers for workers in WORKERS if workers < len(given)]
    for workers in measured:
        with cluster_place(workers) as here:
            yield from compared(f"{workers} workers", week(here, size), alone)
            if workers == measured[-1]:
                yield from told(here.fillings())


def compared(what: str, ours: Week, alone: Week) -> Iterator[Result]:
    def of(name: str, value: float, of_one: float, unit: str = "s") -> Result:
        return Result("cluster", f"{what}: {name}", value, unit, value / of_one, "one server")

    yield of("models", ours.seconds, alone.seconds)
    [used] = alone.used
    yield of("processor time of all nodes", sum(ours.used), used)
    yield of("of the coordinator", ours.used[0], used)
    yield of("of the busiest worker", max(ours.used[1:]), used)
    in_turn = ours.used[0] + max(ours.used[1:])
    yield of("of both, one after the other, as with machines of their own", in_turn, used)
    yield Result("cluster", f"{what}: the coordinator's share of that work", ours.share, "%")


def told(found: list[Filling]) -> Iterator[Result]:
    """Tables by the way that they are filled, rows that come to the coordinator, and for whom."""
    for way, count in Counter(f.way for f in found).most_common():
        yield Result("cluster", f"tables {way}", count, "tables")
    yield Result("cluster", "rows to the coordinator", sum(f.rows for f in found), "rows")
    for one in sorted(found, key=lambda f: -f.rows)[:12]:
        if one.rows:
            yield Result("cluster", f"of them for {one.model} ({one.way})", one.rows, "rows")
