"""A close writes to several nodes: whoever dies between prepare and commit, it is whole or absent.

A commit waits for a standby that does not exist, so that a node dies at the instant that is meant.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.settlement.check_wallets import check_new_wallets
from orchestrator.settlement.close import store_closes
from tests.cluster.nodes import COMMAND, CONTROL, Cluster, Node
from tests.cluster.weeks import ENDS, LAG, WINDOWS, build, fill, spread
from tests.support.settings import at

CLOSE = "select finance.store_close(%s)"
STORED = """
select
    (select count(*) from finance.window_closes where payout_window = '{window}'),
    (select count(*) > 0 from finance.window_close_entries where payout_window = '{window}')
"""
PREPARED = "select gid from pg_prepared_xacts where database = '{database}'"
WAITS = "select pid from pg_stat_activity where wait_event = 'SyncRep' and datname = '{database}'"


@pytest.fixture(scope="module")
def market(cluster: Cluster) -> Settings:
    """Three windows have ended; the first of them, and all before, have their close."""
    if not COMMAND:
        pytest.skip(f"{CONTROL} is not set: no node was killed")
    settings = at(cluster.settings(), ENDS[0] + LAG)
    fill(settings)
    spread(settings)
    check_new_wallets(settings)
    build(settings, distributed=True)
    store_closes(settings, WINDOWS[0])
    settings = at(settings, ENDS[2] + LAG)
    build(settings, distributed=True)
    return settings


@contextmanager
def held_commits(node: Node) -> Iterator[None]:
    """What commits or prepares there has written its record, and waits."""
    node.run("postgres", "alter system set synchronous_standby_names = 'nobody'")
    node.run("postgres", "select pg_reload_conf()")
    try:
        yield
    finally:
        node.run("postgres", "alter system reset synchronous_standby_names")
        node.run("postgres", "select pg_reload_conf()")


def wait_for(node: Node, cluster: Cluster, query: str) -> None:
    deadline = time.monotonic() + 60
    while not node.run("postgres", query.format(database=cluster.database)):
        assert time.monotonic() < deadline, query
        time.sleep(0.02)


def close_until_killed(cluster: Cluster, settings: Settings, window: str, held: Node) -> None:
    """Store a close whose commit hangs at the held node, and kill the coordinator then."""
    other = next(worker for worker in cluster.workers[:-1] if worker is not held)
    with psycopg.connect(settings.urls[Component.ORCHESTRATOR]) as closing:
        closing.execute(CLOSE, [window])
        with held_commits(held), ThreadPoolExecutor(1) as pool:
            commit = pool.submit(closing.commit)
            wait_for(held, cluster, WAITS)
            wait_for(other, cluster, PREPARED)
            with cluster.coordinator.down("kill"), pytest.raises(psycopg.OperationalError):
                commit.result(60)
    cluster.run("select recover_prepared_transactions()")


def is_over(cluster: Cluster) -> bool:
    query = PREPARED.format(database=cluster.database)
    return not any(node.run("postgres", query) for node in cluster.nodes)


@pytest.mark.slow
def test_a_close_without_its_commit_is_undone_on_every_node(
    cluster: Cluster, market: Settings
) -> None:
    """One worker has prepared, another has not answered: the coordinator had not committed."""
    close_until_killed(cluster, market, WINDOWS[1], cluster.workers[0])
    assert cluster.run(STORED.format(window=WINDOWS[1])) == [(0, False)]
    assert is_over(cluster)


def test_a_close_with_its_commit_is_finished_on_every_node(
    cluster: Cluster, market: Settings
) -> None:
    """All have prepared and the coordinator has committed, but told nobody.

    What a build hands over does not outlive a crash: it is built again first.
    """
    build(market, distributed=True)
    close_until_killed(cluster, market, WINDOWS[1], cluster.coordinator)
    assert cluster.run(STORED.format(window=WINDOWS[1])) == [(1, True)]
    assert is_over(cluster)
