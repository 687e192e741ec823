"""All nodes back to one named point, from backups of different times: no commit is half there."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import Any

import psycopg
import pytest

from orchestrator.config import Settings
from tests.cluster.nodes import ARCHIVE, ARCHIVING, COMMAND, CONTROL, Cluster, faults
from tests.cluster.test_weeks import PAID
from tests.cluster.weeks import DUE, ENDS, LAG, build, fill, live, spread
from tests.support.settings import at

POINT = "after-payout"
# What is evidence: closes, lines with their outcome, entries, events.
EVIDENCE = """
select
    (select array_agg(payout_window order by payout_window) from finance.window_closes),
    (select string_agg(l::text, e'\n' order by l.line_id) from finance.payout_lines as l),
    (select count(*) || ', ' || sum(amount_minor) from finance.window_close_entries),
    (select count(*) from finance.events)
"""
# One transaction on the coordinator and on every worker: a seller, and orders of many others.
ORDERS = 20
SELLER = """
insert into marketplace.sellers (
    seller_id, display_name, region, fast_settlement, wallet_address, status, payouts_enabled,
    created_at, updated_at
)
values (%(name)s, 'x', 'EU', false, '', 'active', true, now(), now())
"""
OTHERS = """
insert into marketplace.orders (
    order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at
)
select %(name)s, 'x', %(name)s || '-' || i, 'USD', 1, '2027-06-01', '2027-06-01'
from generate_series(1, %(orders)s) as i
"""
# What they left on the coordinator, and on the workers.
SELLERS_LEFT = "select seller_id, 1 from marketplace.sellers where seller_id like 'written-%'"
ORDERS_LEFT = """
select order_id, count(*) from marketplace.orders where order_id like 'written-%' group by order_id
"""


class Writer:
    """Commits one transaction after another; `count` are done."""

    def __init__(self) -> None:
        self.count = 0
        self._end = Event()

    @contextmanager
    def at_work(self, url: str) -> Iterator[None]:
        with ThreadPoolExecutor(1) as pool:
            working = pool.submit(self._work, url)
            try:
                yield
            finally:
                self._end.set()
                working.result(60)

    def _work(self, url: str) -> None:
        with psycopg.connect(url) as connection:
            while not self._end.is_set():
                parameters = {"name": f"written-{self.count}", "orders": ORDERS}
                connection.execute(SELLER, parameters)
                connection.execute(OTHERS, parameters)
                connection.commit()
                self.count += 1

    def wait_for(self, more: int) -> None:
        target, deadline = self.count + more, time.monotonic() + 120
        while self.count < target:
            assert time.monotonic() < deadline, "nothing is written any more"
            time.sleep(0.02)


@pytest.fixture(scope="module")
def market(cluster: Cluster) -> Settings:
    """A week that was closed and paid, on all nodes."""
    if not (ARCHIVING and COMMAND):
        pytest.skip(f"{ARCHIVE} or {CONTROL} is not set: no node was backed up and restored")
    settings = cluster.settings()
    cluster.add(cluster.workers[-1])
    fill(settings)
    spread(settings)
    assert live(settings, 0, distributed=True).state == "accepted"
    return settings


def restore(cluster: Cluster) -> None:
    """As docs/operations/cluster.md has it: all of them down first, the coordinator last."""
    for node in cluster.nodes:
        node.control("stop")
    for node in (*cluster.workers, cluster.coordinator):
        node.restore(POINT)
    cluster.run("select recover_prepared_transactions()")


def next_week(cluster: Cluster, settings: Settings) -> tuple[Any, ...]:
    assert live(settings, 1, distributed=True).state == "accepted"
    sums = "select count(*), sum(amount_minor) from finance.window_close_entries"
    return cluster.run(PAID), cluster.run(sums)


@pytest.mark.slow
def test_all_nodes_are_back_at_the_point_and_the_next_week_pays_the_same(
    cluster: Cluster, market: Settings
) -> None:
    evidence, writer = cluster.run(EVIDENCE), Writer()
    with writer.at_work(cluster.coordinator.url(cluster.database)):
        for node in cluster.nodes:
            writer.wait_for(3)
            node.backup()
        writer.wait_for(3)
        least = writer.count
        cluster.run(f"select citus_create_restore_point('{POINT}')")
        most = writer.count
        writer.wait_for(5)
    for node in cluster.nodes:
        node.run("postgres", "select pg_switch_wal()")
    paid = next_week(cluster, market)
    assert cluster.run(EVIDENCE) != evidence

    restore(cluster)

    prepared = "select count(*) from pg_prepared_xacts"
    assert [node.run("postgres", prepared) for node in cluster.nodes] == [[(0,)]] * len(
        cluster.nodes
    )
    left = dict(cluster.run(ORDERS_LEFT))
    assert set(left.values()) == {ORDERS}
    assert set(left) == set(dict(cluster.run(SELLERS_LEFT)))
    assert least <= len(left) <= most + 1 < writer.count
    assert cluster.run(EVIDENCE) == evidence
    assert faults(cluster) == []
    build(at(market, ENDS[0] + DUE + LAG), distributed=True)
    assert next_week(cluster, market) == paid
