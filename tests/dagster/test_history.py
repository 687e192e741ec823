"""What Dagster's history costs the server: sessions and transactions of a run, and its restarts."""

import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from orchestrator.config import DAGSTER_URL_VARIABLE, Component
from orchestrator.services.dagster_instance import HISTORY
from tests.support.closed_week import closed_week

DATABASE = "history"
# As Dagster has it: what ours is compared with. Where they are alike, ours may go.
DAGSTERS_OWN = """
storage:
  postgres:
    postgres_url: {env: SETTLE_DAGSTER_URL}
"""
END_ALL = """
select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity where datname = %s
"""
NAMES = [f"asset_{number}" for number in range(10)]


@dg.multi_asset(
    specs=[dg.AssetSpec(name) for name in NAMES],
    check_specs=[dg.AssetCheckSpec("tests", asset=name) for name in NAMES],
)
def ten_assets() -> Iterator[dg.MaterializeResult[None]]:
    for name in NAMES:
        judged = dg.AssetCheckResult(asset_key=name, check_name="tests", passed=True)
        yield dg.MaterializeResult(asset_key=name, check_results=[judged])


@pytest.fixture(scope="module")
def owner() -> Iterator[psycopg.Connection]:
    """Beside a database for histories, gone afterwards."""
    server = closed_week().server
    name = sql.Identifier(DATABASE)
    with psycopg.connect(server.url(Component.OWNER, "postgres"), autocommit=True) as owner:
        owner.execute(sql.SQL("create database {}").format(name))
        yield owner
        owner.execute(sql.SQL("drop database {} with (force)").format(name))


@pytest.fixture(autouse=True)
def url(owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    url = closed_week().server.url(Component.OWNER, DATABASE)
    driven = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    monkeypatch.setenv(DAGSTER_URL_VARIABLE, driven)


def instance_of(folder: Path, storage: str) -> dg.DagsterInstance:
    folder.mkdir(exist_ok=True)
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}\n" + storage)
    return dg.DagsterInstance.from_config(str(folder))


def spent(owner: psycopg.Connection) -> tuple[int, int]:
    """Sessions and transactions up to now; the server counts them a little late."""
    counted = "select sessions, xact_commit from pg_stat_database where datname = %s"
    before = None
    while (found := owner.execute(counted, [DATABASE]).fetchone()) != before:
        before = found
        time.sleep(0.5)
    assert found
    return found[0], found[1]


def cost_of_a_run(owner: psycopg.Connection, folder: Path, storage: str) -> tuple[int, int, int]:
    """Sessions, transactions and events of a run of ten assets with a check each."""
    with instance_of(folder, storage) as instance:
        before = spent(owner)
        run = dg.materialize([ten_assets], instance=instance)
        sessions, transactions = (b - a for a, b in zip(before, spent(owner), strict=True))
        return sessions, transactions, len(instance.all_logs(run.run_id))


def test_a_run_opens_few_sessions_and_asks_for_no_column_twice(
    owner: psycopg.Connection, tmp_path: Path
) -> None:
    """Dagster's own opens one for each statement, and looks for its tables at each event."""
    theirs = cost_of_a_run(owner, tmp_path / "theirs", DAGSTERS_OWN)
    ours = cost_of_a_run(owner, tmp_path / "ours", HISTORY)
    print(f"sessions, transactions and events: {theirs} of Dagster's own, {ours} of ours")
    assert theirs[2] == ours[2] > 50
    assert ours[0] <= 4 < ours[2] < theirs[0]
    assert ours[1] <= 4 * ours[2] < theirs[1]


def test_a_restart_of_the_server_costs_no_event(owner: psycopg.Connection, tmp_path: Path) -> None:
    with instance_of(tmp_path / "ours", HISTORY) as instance:
        dg.materialize([ten_assets], instance=instance)
        ended = owner.execute(END_ALL, [DATABASE]).fetchone()
        assert ended
        assert ended[0] >= 2
        run = dg.materialize([ten_assets], instance=instance)
        assert run.success
        assert len(instance.fetch_materializations(dg.AssetKey("asset_9"), limit=5).records) >= 2
