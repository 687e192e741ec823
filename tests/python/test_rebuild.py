"""What must stand however often dbt rebuilds: history, grants, stored closes, other schemas."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from conftest import SettleHome, at, make_settings

from orchestrator.check_wallets import check_new_wallets
from orchestrator.config import Component, Settings
from orchestrator.database import connect, connect_as, database_url, rows
from orchestrator.dbt import build_live
from orchestrator.generate import generate
from orchestrator.migrate import add_person, prepare_database
from orchestrator.run_job import run_job

SUNDAY = datetime(2026, 11, 16, 0, 15, tzinfo=UTC)
OTHERS = """
select c.oid::regclass::text as name, c.relkind, pg_get_userbyid(c.relowner), c.relacl::text
from pg_class as c
where c.relnamespace::regnamespace::text in ('finance', 'halfin', 'marketplace')
union all
select p.oid::regprocedure::text, p.prokind, pg_get_userbyid(p.proowner), p.proacl::text
from pg_proc as p
where p.pronamespace::regnamespace::text in ('finance', 'halfin', 'public')
order by 1
"""


def fill(settings: Settings) -> None:
    with connect(settings, Component.OWNER) as database:
        generate(database, sellers=20, weeks=3, until=SUNDAY)


@pytest.fixture(scope="module")
def built(settle_home: SettleHome) -> Settings:
    settings = at(settle_home("rebuild"), SUNDAY)
    fill(settings)
    build_live(settings)
    return settings


def test_an_unchecked_wallet_is_held_and_a_checked_one_is_not(built: Settings) -> None:
    query = (
        "select count(*) filter (where hold_reason = 'wallet_unchecked') as n"
        " from settlement.seller_settlement where payout_window = '2026-W46'"
    )
    with connect(built, Component.ORCHESTRATOR) as database:
        [unchecked] = rows(database, query)
    assert unchecked["n"] > 10
    assert check_new_wallets(built) > 10
    build_live(built)
    with connect(built, Component.ORCHESTRATOR) as database:
        [checked] = rows(database, query)
    assert checked["n"] == 0


def test_the_snapshot_keeps_the_projects_clock_with_a_zone(built: Settings) -> None:
    later = at(built, SUNDAY + timedelta(days=1))
    with connect(later, Component.OWNER) as database:
        [seller] = rows(
            database,
            "update marketplace.sellers set wallet_address = 'another', updated_at = settle_now()"
            " where seller_id = (select min(seller_id) from marketplace.sellers"
            " where wallet_address <> '') returning seller_id",
        )
    build_live(later)
    with connect(later, Component.DBT) as database:
        versions = rows(
            database,
            "select dbt_valid_from, dbt_valid_to, pg_typeof(dbt_valid_from)::text as kind"
            " from settlement_history.seller_versions where seller_id = %s order by 1",
            seller["seller_id"],
        )
    assert [v["dbt_valid_from"] for v in versions] == [SUNDAY, SUNDAY + timedelta(days=1)]
    assert versions[0]["dbt_valid_to"] == SUNDAY + timedelta(days=1)
    assert versions[0]["kind"] == "timestamp with time zone"


def test_a_full_refresh_keeps_grants_and_touches_nothing_else(built: Settings) -> None:
    add_person(built, "carla", "a password", "analyst")
    with connect(built, Component.OWNER) as database:
        before = rows(database, OTHERS)
    build_live(built, full_refresh=True)
    with connect(built, Component.OWNER) as database:
        assert rows(database, OTHERS) == before
    with connect_as(built, "carla", "a password") as database:
        for name in ("seller_settlement", "seller_health", "seller_reserve", "entries"):
            assert database.execute(f"select count(*) from settlement.{name}".encode()).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute("delete from settlement.windows")


@pytest.fixture
def external(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Debian's PostgreSQL on a loopback port; the database belongs to no superuser."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no external PostgreSQL here: apt-get install postgresql runs this smoke test")
    folder = Path("/var/tmp") / f"settle-external-{os.getpid()}"  # noqa: S108 - ours, removed below
    folder.mkdir(mode=0o700)
    user = "postgres" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [found[-1].parent / program, *arguments],
            user=user, cwd="/", check=True, capture_output=True, timeout=60,
        )  # fmt: skip

    run("initdb", "-D", f"{folder}/data", "-U", "postgres", "--auth=trust")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1"
    run("pg_ctl", "-w", "-D", f"{folder}/data", "-l", f"{folder}/log", "-o", options, "start")
    try:
        base = f"127.0.0.1:{port}"
        with psycopg.connect(f"postgresql://postgres@{base}/postgres", autocommit=True) as database:
            database.execute("create role owner_login login createrole")
            database.execute("create database books owner owner_login")
        urls = {"SETTLE_DATABASE_URL": f"postgresql://owner_login@{base}/books"}
        home = tmp_path_factory.mktemp("external")
        prepare_database(make_settings(home, **urls))
        with psycopg.connect(f"postgresql://postgres@{base}/books", autocommit=True) as database:
            for name in ("dbt", "orchestrator", "webhook", "portal"):
                database.execute(f"create role {name} login in role settle_{name}".encode())
                urls[f"SETTLE_{name.upper()}_URL"] = f"postgresql://{name}@{base}/books"
        yield make_settings(home, SUNDAY.isoformat(), **urls)
    finally:
        run("pg_ctl", "-D", f"{folder}/data", "-m", "fast", "stop")
        shutil.rmtree(folder)


def test_a_week_closes_on_an_external_server(external: Settings) -> None:
    at(external, SUNDAY)
    fill(external)
    run_job(external, "close", "2026-11-09")
    with connect(external, Component.ORCHESTRATOR) as database:
        [close] = rows(
            database,
            "select row_count, current_setting('server_version') as version"
            " from finance.window_closes where payout_window = '2026-W46'",
        )
    assert close["row_count"] > 10
    assert "127.0.0.1" in database_url(external, Component.DBT)
