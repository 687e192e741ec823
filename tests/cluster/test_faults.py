"""Nodes that die in the middle of something: nothing is half done, and the next run goes on."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.errors import SettleError
from orchestrator.settlement.check_wallets import check_new_wallets
from orchestrator.settlement.close import store_closes
from orchestrator.settlement.pay import pay_window
from tests.cluster.nodes import COMMAND, CONTROL, Cluster
from tests.cluster.weeks import (
    DUE,
    ENDS,
    LAG,
    WINDOWS,
    approve,
    build,
    fill,
    pay,
    rows_of_views,
    spread,
)
from tests.functions.market import books, rail
from tests.halfin.sandbox import KEY
from tests.support.settings import at

SLOW_S = 6.0  # of the rail, so that a node can be killed while it has the call


@pytest.fixture(scope="module")
def market(cluster: Cluster) -> Settings:
    """A marketplace whose first window has ended, built once, without a close."""
    if not COMMAND:
        pytest.skip(f"{CONTROL} is not set: no node was stopped")
    settings = at(cluster.settings(), ENDS[0] + LAG)
    fill(settings)
    spread(settings)
    check_new_wallets(settings)
    build(settings, distributed=True)
    return settings


def wait_for(cluster: Cluster, query: str) -> None:
    """Until the query finds something, as the administrator sees it."""
    deadline = time.monotonic() + 120
    while not cluster.run(query):
        assert time.monotonic() < deadline, query
        time.sleep(0.02)


@pytest.mark.slow
def test_a_worker_that_dies_in_a_build_leaves_nothing_half_stored(
    cluster: Cluster, market: Settings
) -> None:
    before = rows_of_views(market)
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(build, market, distributed=True)
        wait_for(cluster, "select 1 from finance.build_instants where completed_at is null")
        with cluster.workers[0].down("kill"):
            with pytest.raises(SettleError):
                building.result(300)
            with connect(market, Component.OWNER) as owner:
                closes = owner.execute("select count(*) from finance.window_closes")
                assert closes.fetchone() == (0,)
    build(market, distributed=True)
    assert rows_of_views(market) == before
    assert store_closes(market, WINDOWS[0]).stored[-1] == WINDOWS[0]


def test_a_coordinator_that_restarts_in_a_pay_pays_each_line_once(
    cluster: Cluster, market: Settings
) -> None:
    """The rail has taken the call, and nobody is there to write down its answer.

    Deciding needs no worker.
    """
    with cluster.workers[0].down():
        approve(market, WINDOWS[0])
    with rail(slow_s=SLOW_S) as url, ThreadPoolExecutor(1) as pool:
        paying = replace(at(market, ENDS[0] + DUE), halfin_base_url=url, halfin_api_key=KEY)
        first = pool.submit(pay_window, paying, WINDOWS[0])
        wait_for(cluster, "select 1 from finance.payout_calls where state = 'sending'")
        with cluster.coordinator.down("kill"), pytest.raises(SettleError):
            first.result(120)
        assert pay(paying, WINDOWS[0]).state == "accepted"
        lines = cluster.run("select idempotency_key, state from finance.payout_lines")
        assert {state for _, state in lines} == {"completed"}
        found = books(url)
    assert (found["payouts"], found["batches"]) == (len(lines), 1)
