"""What must stand however often dbt rebuilds: history, grants, stored closes, other schemas."""

import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as, rows
from orchestrator.database.people import add_person
from orchestrator.dbt.builds import build_live
from orchestrator.demo.generate import generate
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.support.settings import at, build_untested

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
def built(settings: Settings) -> Settings:
    settings = at(settings, SUNDAY)
    fill(settings)
    build_untested(settings)
    return settings


@dataclass(frozen=True)
class Monday:
    """The second build, a day after the first: the wallets are checked, one seller has another."""

    settings: Settings
    moved: str
    unchecked_before: int
    unchecked: int


UNCHECKED = """
select count(*) filter (where hold_reason = 'wallet_unchecked') as n
from settlement.seller_settlement where payout_window = '2026-W46' and seller_id <> %s
"""


@pytest.fixture(scope="module")
def monday(built: Settings) -> Monday:
    later = at(built, SUNDAY + timedelta(days=1))
    with connect(built, Component.OWNER) as database:
        [seller] = rows(
            database,
            "select min(seller_id) as id from marketplace.sellers where wallet_address <> ''",
        )
        [before] = rows(database, UNCHECKED, seller["id"])
    assert check_new_wallets(built) > 10
    with connect(later, Component.OWNER) as database:
        database.execute(
            "update marketplace.sellers set wallet_address = 'another', updated_at = settle_now()"
            " where seller_id = %s",
            [seller["id"]],
        )
    build_untested(later)
    with connect(later, Component.OWNER) as database:
        [after] = rows(database, UNCHECKED, seller["id"])
    return Monday(later, seller["id"], before["n"], after["n"])


def test_an_unchecked_wallet_is_held_and_a_checked_one_is_not(monday: Monday) -> None:
    assert monday.unchecked_before > 10
    assert monday.unchecked == 0


def test_the_snapshot_keeps_the_projects_clock_with_a_zone(monday: Monday) -> None:
    with connect(monday.settings, Component.DBT) as database:
        versions = rows(
            database,
            "select dbt_valid_from, dbt_valid_to, pg_typeof(dbt_valid_from)::text as kind"
            " from settlement_history.seller_versions where seller_id = %s order by 1",
            monday.moved,
        )
    assert [v["dbt_valid_from"] for v in versions] == [SUNDAY, SUNDAY + timedelta(days=1)]
    assert versions[0]["dbt_valid_to"] == SUNDAY + timedelta(days=1)
    assert versions[0]["kind"] == "timestamp with time zone"


def test_a_full_refresh_keeps_grants_and_touches_nothing_else(built: Settings) -> None:
    add_person(built, "carla", "a long password", "analyst")
    with connect(built, Component.OWNER) as database:
        before = rows(database, OTHERS)
    build_live(built, full_refresh=True)
    with connect(built, Component.OWNER) as database:
        assert rows(database, OTHERS) == before
    with connect_as(built, "carla", "a long password") as database:
        for name in ("seller_settlement", "seller_health", "seller_reserve", "entries"):
            assert database.execute(f"select count(*) from settlement.{name}".encode()).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.execute("delete from settlement.windows")


@pytest.mark.nightly("five builds in a row wait for each other")
def test_builds_and_closes_at_once_wait_for_each_other(built: Settings) -> None:
    monday = SUNDAY + timedelta(hours=9)
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SETTLE_", "HALFIN_"))}
    clean |= {"SETTLE_HOME": str(built.home), "SETTLE_NOW": monday.isoformat()}
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *verb],
            env=clean,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for verb in (["close", "2026-W46"], ["close", "2026-W46"], ["build"])
    ]
    said = [process.communicate(timeout=300) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0], said
    with connect(built, Component.ORCHESTRATOR) as database:
        [close] = rows(
            database,
            "select count(*) as n from finance.window_closes where payout_window = '2026-W46'",
        )
        [shown] = rows(database, "select count(*) as n from settlement.seller_settlement")
    assert close["n"] == 1
    assert shown["n"] > 10
