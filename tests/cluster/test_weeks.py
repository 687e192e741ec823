"""Three weeks, closed and paid, with facts that come late: the same rows as on one server."""

import json
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.database.people import add_person
from orchestrator.dbt.builds import AS_OF_SCHEMA
from orchestrator.dbt.runner import run_dbt
from orchestrator.demo.generate import Late
from orchestrator.loading.load import load_directory
from tests.cluster.nodes import PEOPLE, SECRET, Cluster, environment
from tests.cluster.plans import fillings
from tests.cluster.weeks import (
    ENDS,
    WINDOWS,
    build,
    build_back_then,
    close,
    fill,
    live,
    rows_of_views,
    spread,
)
from tests.support.settings import at
from tests.support.shell import ShellInProcess

BACK_THEN = ENDS[1]
# What comes to the coordinator for the first is of their size, and not of what they are made of.
FEW_COME = (
    *("int_window_sums__rechecked", "int_exceptions", "int_exceptions__facts"),
    "int_settlement__computed",
)
MANY_STAY = ("int_entries__known", "int_late_facts")
# What is evidence: which seller was paid how much for which week, to where, and its outcome.
PAID = """
select b.payout_window, l.seller_id, l.amount_minor, l.rail, l.wallet_address, l.state
from finance.payout_lines as l inner join finance.payout_batches as b using (batch_id)
order by b.payout_window, l.seller_id collate "C"
"""
# Every model, and its columns but for the number of a transaction. Those of payout lines and of
# what the books say of them are left out: their ids are drawn at random.
MODELS = """
select
    table_schema,
    table_name,
    string_agg(quote_ident(column_name), ', ' order by ordinal_position)
from information_schema.columns
where table_schema in ('settlement_core', 'settlement') and column_name <> 'landed_xid'
group by table_schema, table_name
having not bool_or(column_name in ('line_id', 'break_id', 'ledger_entry_id'))
order by table_schema, table_name
"""
# Citus itself does so once a minute: until then a build takes what was written to several workers
# for under way, and looks at it again.
ENDED = "select recover_prepared_transactions()"
# How many parts of tables a worker has.
PARTS_ON = "select count(*) from citus_shards where (nodename, nodeport) = ('{host}', {port})"


def models_of(settings: Settings) -> list[tuple[str, str, str]]:
    with connect(settings, Component.OWNER) as owner:
        return owner.execute(MODELS).fetchall()


def count(connection: psycopg.Connection, model: str) -> int:
    query = f"select count(*) from settlement_core.{model}"
    return sum(n for (n,) in connection.execute(query.encode()))


def rows_of_model(settings: Settings, schema: str, name: str, columns: str) -> list[str]:
    query = f"select t::text from (select {columns} from {schema}.{name}) as t"
    with connect(settings, Component.OWNER) as owner:
        return sorted(text for (text,) in owner.execute(query.encode()))


def lived(settings: Settings, folder: Path, cluster: Cluster | None = None) -> Settings:
    """Three weeks. After the first, on one server, all is spread, and what is late has come."""

    def week(number: int, *, is_spread: bool = False) -> None:
        if cluster:
            cluster.run(ENDED)
        assert live(settings, number, distributed=is_spread).state == "accepted"

    folder.mkdir()
    fill(settings, Late(per_mille=50, folder=folder))
    week(0)
    if cluster:
        spread(settings)
        cluster.add(cluster.workers[-1])
        here = ShellInProcess(cluster.home, **environment(dict(settings.urls)))
        assert here.done("db", "rebalance").endswith(" parts moved.\n")
        joined = cluster.workers[-1]
        assert cluster.run(PARTS_ON.format(host=joined.host, port=joined.port))[0][0] > 0
    with connect(at(settings, ENDS[0] + (ENDS[1] - ENDS[0]) / 2), Component.OWNER) as owner:
        assert load_directory(owner, folder).tables["orders"].inserted
    for number in (1, 2):
        week(number, is_spread=cluster is not None)
    return at(settings, ENDS[2] + (ENDS[2] - ENDS[1]) / 2)


@pytest.fixture(scope="module")
def here(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return lived(cluster.settings(), tmp_path_factory.mktemp("cluster") / "late", cluster)


@pytest.fixture(scope="module")
def there(here: Settings, settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The same on one server."""
    for person in PEOPLE:
        add_person(settings, person, SECRET, "finance")
    return lived(settings, tmp_path_factory.mktemp("one") / "late")


@pytest.mark.slow
def test_weeks_on_a_cluster_pay_what_they_pay_on_one_server(
    here: Settings, there: Settings
) -> None:
    with connect(here, Component.OWNER) as ours, connect(there, Component.OWNER) as theirs:
        paid = ours.execute(PAID).fetchall()
        assert paid == theirs.execute(PAID).fetchall()
    assert {row[0] for row in paid} == set(WINDOWS)
    assert {row[-1] for row in paid} == {"completed"}
    assert rows_of_views(here) == rows_of_views(there)


def test_every_model_has_the_rows_of_one_server(here: Settings, there: Settings) -> None:
    names = models_of(there)
    assert len(names) > 80
    assert rows_of_views(here, views=["data_exceptions"])["data_exceptions"]
    differing = [
        name for name in names if rows_of_model(here, *name) != rows_of_model(there, *name)
    ]
    assert differing == []


def test_sums_and_exceptions_come_to_the_coordinator_and_not_what_they_are_of(
    here: Settings, cluster: Cluster
) -> None:
    """By the plans: a row of the model comes a few times, as its parts are put together."""
    build(here, distributed=True)
    run_dbt(here, ["compile", "--vars", json.dumps({"distributed": True})])
    with psycopg.connect(cluster.coordinator.url(cluster.database), autocommit=True) as admin:
        found = fillings(admin, here.home / "dbt" / "target" / "manifest.json")
        came = {one.model: one.rows for one in found if one.model in FEW_COME}
        rows = {name: count(admin, name) for name in (*FEW_COME, *MANY_STAY)}
    assert came.keys() == set(FEW_COME)
    assert all(came[name] <= 5 * rows[name] for name in FEW_COME), (came, rows)
    assert sum(came.values()) < rows["int_entries__known"], (came, rows)
    assert rows["int_late_facts"]


def test_a_full_refresh_shows_the_same_rows(here: Settings) -> None:
    build(here, distributed=True)
    before = rows_of_views(here)
    build(here, full_refresh=True, distributed=True)
    assert rows_of_views(here) == before
    assert len(before["seller_settlement"]) > 50


def test_a_past_instant_shows_the_same_rows(here: Settings, there: Settings) -> None:
    for one, is_spread in ((here, True), (there, False)):
        build_back_then(one, BACK_THEN, "America/Sao_Paulo", distributed=is_spread)
    ours = rows_of_views(here, AS_OF_SCHEMA)
    assert ours == rows_of_views(there, AS_OF_SCHEMA)
    assert ours["seller_settlement"]


def test_a_second_close_changes_nothing(here: Settings) -> None:
    count = "select count(*) from finance.window_close_rows"
    with connect(here, Component.OWNER) as owner:
        before = owner.execute(count).fetchall()
    close(here, 2, distributed=True)
    with connect(here, Component.OWNER) as owner:
        assert owner.execute(count).fetchall() == before
