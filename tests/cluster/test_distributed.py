"""The large tables on the workers of a real cluster: guarded, co-located, equal to the cent."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt import distribution
from orchestrator.dbt.builds import build_arguments
from orchestrator.dbt.distribution import distribute, rebalance
from orchestrator.dbt.runner import run_dbt
from orchestrator.loading.load import load_directory
from tests.cluster.nodes import Cluster
from tests.models.test_olist import NOW, VIEWS, assert_equal
from tests.support.projects import changed_project
from tests.support.settings import at

ORDER = (
    "insert into marketplace.orders (order_id, checkout_id, seller_id, currency, gross_amount,"
    " ordered_at) values ('o1', 'c1', 's1', 'USD', 10, '2026-11-16 12:00+00')"
)


@dataclass(frozen=True)
class Distributed:
    """A cluster whose large tables are on its workers, and the project for it."""

    cluster: Cluster
    project: Path

    def settings(self, now: datetime | None = None) -> Settings:
        settings = self.cluster.settings()
        return at(settings, now) if now else settings

    def build(self, settings: Settings, *arguments: str) -> None:
        run_dbt(settings, [*build_arguments(), *arguments], project=self.project)


@pytest.fixture(scope="module")
def distributed(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Distributed]:
    project = changed_project(
        tmp_path_factory.mktemp("project"),
        "dbt_project.yml",
        "distributed: false",
        "distributed: true",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distribution, "is_distributed", lambda: True)
        assert distribute(cluster.settings()) == 9
        yield Distributed(cluster, project)


def test_the_large_tables_are_co_located_and_a_second_run_finds_nothing_to_do(
    distributed: Distributed,
) -> None:
    found = distributed.cluster.run(
        "select citus_table_type, distribution_column, count(*), count(distinct colocation_id)"
        " from citus_tables group by 1, 2"
    )
    assert found == [("distributed", "seller_id", 9, 1)]
    assert distribute(distributed.settings()) == 0
    assert distributed.cluster.run("select * from finance.changed_definitions()") == []


@pytest.mark.parametrize(
    "statement",
    [
        "update marketplace.orders set gross_amount = 11",
        "delete from marketplace.orders where seller_id = 's1'",
        "truncate marketplace.orders",
        "delete from finance.window_close_entries",
        "update finance.window_close_facts set posted_at = null",
        "truncate finance.window_close_entries",
    ],
)
def test_what_is_on_the_workers_is_append_only(distributed: Distributed, statement: str) -> None:
    cluster = distributed.cluster
    cluster.run(ORDER + " on conflict do nothing")
    for node in (cluster.coordinator, cluster.workers[0]):
        with pytest.raises(psycopg.errors.RaiseException, match="is append-only"):
            node.run(cluster.database, statement)


def test_what_has_not_ended_on_every_node_has_not_landed(distributed: Distributed) -> None:
    with connect(distributed.settings(), Component.OWNER) as owner:
        # Two sellers on two workers: the transaction ends on each.
        owner.execute(
            "insert into marketplace.orders (order_id, checkout_id, seller_id, currency,"
            " gross_amount, ordered_at) select 'late', 'c', 's' || n, 'USD', 10,"
            " '2026-11-16 12:00+00' from generate_series(1, 40) as n"
        )
    with connect(distributed.settings(), Component.DBT) as dbt:
        dbt.execute("select finance.begin_build('settlement', null, 'try')")
        found = dbt.execute(
            "select i.landed_before <= (select min(o.landed_xid) from marketplace.orders as o"
            " where o.order_id = 'late') from finance.build_instants as i"
            " where i.target_schema = 'settlement'"
        ).fetchone()
    assert found == (True,)


def test_a_build_shows_the_expected_figures(distributed: Distributed, olist: Path) -> None:
    settings = distributed.settings(NOW)
    with connect(settings, Component.OWNER) as connection:
        load_directory(connection, olist)
    distributed.build(settings)
    for view in VIEWS:
        assert_equal(settings, "settlement", view, olist / "expected" / "utc-2018-07-04")
    placed = distributed.cluster.run(
        "select split_part(table_name::text, '.', 2) from citus_tables"
        " where citus_table_type = 'distributed' and table_name::text like 'settlement_core.%'"
    )
    assert {"int_orders", "int_order_fees", "int_claims", "int_entries"} <= {t for (t,) in placed}


def test_rebalanced_workers_have_the_same_rows(distributed: Distributed) -> None:
    cluster = distributed.cluster
    count = "select count(*), sum(gross_amount) from marketplace.orders"
    before = cluster.run(count)
    cluster.add(cluster.workers[-1])
    assert rebalance(distributed.settings()) > 0
    assert rebalance(distributed.settings()) == 0
    assert cluster.run(count) == before
