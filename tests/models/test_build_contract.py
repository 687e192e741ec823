"""What everything else stands on: the clock, grants, rebuilds, and dbt without us."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, connect_as, rows
from orchestrator.database.people import reading_login
from orchestrator.dbt.builds import build_as_of
from orchestrator.dbt.project import dbt_environment
from orchestrator.dbt.runner import NodeResult, failure_line
from orchestrator.errors import SettleError
from tests.simulation.lab import lab
from tests.support.closed_week import ANALYST, FINANCE, NOW, WINDOW, ClosedWeek, closed_week
from tests.support.settings import at

PUBLIC = ("seller_settlement", "seller_health", "seller_reserve", "order_reserve", "windows")
# What no build may touch: everything outside dbt's own schemas.
OURS = """
select n.nspname, c.relname, c.relkind, c.oid, c.relacl::text
from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname in ('finance', 'halfin', 'marketplace', 'public') and c.relkind in ('r', 'v', 'S')
union all
select n.nspname, p.proname, 'f', p.oid, p.proacl::text
from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid
where n.nspname in ('finance', 'halfin', 'marketplace', 'public')
order by 1, 2, 4
"""
PAYABLE = "select digest, line_count, total_minor from finance.payable(%s)"
LIVE = """
select n.nspname, c.relname, c.oid from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where n.nspname like 'settlement%' order by 1, 2
"""


@dataclass(frozen=True)
class Market:
    """A copy of the closed week; builds run in this process."""

    week: ClosedWeek
    settings: Settings

    def at(self, instant: datetime) -> Settings:
        return at(self.settings, instant)

    def ask(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connect(self.settings, Component.OWNER) as owner:
            return owner.execute(query.encode(), parameters or None).fetchall()


@pytest.fixture(scope="module")
def market() -> Market:
    week = closed_week()
    return Market(week, week.copy())


def test_an_as_of_build_leaves_the_live_schemas_alone(market: Market) -> None:
    settings = market.at(NOW)
    before, sums = (
        market.ask(LIVE),
        market.ask("select payout_window, net from settlement.window_summary"),
    )
    build_as_of(settings, NOW - timedelta(days=5), "Asia/Tokyo")
    assert market.ask(LIVE) == before
    assert market.ask("select payout_window, net from settlement.window_summary") == sums
    [[shown]] = market.ask("select max(window_ends_at) from asof_settlement.windows")
    assert shown == datetime(2026, 11, 15, 15, tzinfo=UTC)  # Monday 00:00 in Tokyo
    with connect(settings, Component.DBT) as dbt, pytest.raises(psycopg.errors.RaiseException):
        dbt.execute("select finance.begin_build('settlement', %s)", [NOW])


def test_the_zone_of_stored_closes_stays() -> None:
    """In another zone the build may be looked at; it is never stored."""
    week = closed_week()
    settings = Market(week, week.copy()).at(datetime(2026, 11, 24, 8, tzinfo=UTC))
    in_tokyo = replace(lab().project, zone="Asia/Tokyo")
    in_tokyo.replace_views(settings)
    in_tokyo.build(settings)
    refused = "the closes so far are in UTC and USD, this build is in Asia/Tokyo and USD: neither"
    with (
        pytest.raises(SettleError, match=refused),
        connect(settings, Component.ORCHESTRATOR) as database,
    ):
        database.execute("select finance.store_close('2026-W47')")


@pytest.mark.many("dbt in a process of its own: make test builds through settle")
def test_dbt_rebuilds_everything_without_us_and_nothing_of_ours(
    market: Market, tmp_path: Path
) -> None:
    """As the README says: the example as profiles.yml, and variables."""
    settings = market.at(NOW)
    before, payable = market.ask(OURS), market.ask(PAYABLE, WINDOW)
    shutil.copy(PROJECT_ROOT / "profiles.yml.example", tmp_path / "profiles.yml")
    variables = {k: v for k, v in dbt_environment(settings).items() if "SETTLE" in k}
    built = subprocess.run(
        [
            *(Path(sys.executable).parent / "dbt", "build", "--exclude-resource-type", "unit_test"),
            *("--full-refresh", "--profiles-dir", tmp_path),
            *("--target-path", tmp_path, "--log-path", tmp_path),
        ],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    assert "ERROR=0" in built.stdout
    [[as_of, is_complete]] = market.ask(
        "select as_of, completed_at is not null from finance.build_instants"
        " where target_schema = 'settlement'"
    )
    assert (as_of, is_complete) == (NOW, True)
    assert market.ask(OURS) == before
    assert market.ask(PAYABLE, WINDOW) == payable
    assert market.ask("select * from finance.payout_obstacles(%s)", WINDOW)


@pytest.mark.parametrize(
    ("person", "name"), [(ANALYST, ANALYST), (FINANCE, reading_login(FINANCE))]
)
def test_readers_read_and_nothing_else(market: Market, person: str, name: str) -> None:
    password = market.week.server.password(person)
    for view in PUBLIC:
        with connect_as(market.settings, name, password) as reader:
            [found] = rows(reader, f"select count(*) as n from settlement.{view}")
            assert found["n"] > 0
    for statement in (
        "delete from settlement.windows",
        "create table settlement.mine (n integer)",
        "insert into settlement_history.seller_versions default values",
        "update finance.window_closes set row_count = 0",
        "insert into marketplace.sellers default values",
        "create schema mine",
        "create temporary table mine (n integer)",
    ):
        with connect_as(market.settings, name, password) as reader:
            reader.execute("set transaction read write")  # by default, a reading login only reads
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(statement.encode())
            reader.rollback()


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("", ()), ("-dev", ("dev", "docs")), ("-bootstrap", ("bootstrap",))],
)
def test_a_lock_has_every_requirement_by_hash_and_no_host(
    lock: str, groups: tuple[str, ...]
) -> None:
    def name(requirement: str) -> str:
        return re.split(r"[\[<>=~!; ]", requirement)[0].lower().replace("_", "-")

    text = (PROJECT_ROOT / f"requirements{lock}.lock").read_text()
    assert not re.search(r"://|--(index|extra|find|trusted)| @ |\bpypi\b", text)
    entries = re.split(r"\n(?=\w)", text.replace("\\\n", " "))
    pinned = [e for e in entries if e.strip() and not e.startswith("#")]
    for entry in pinned:
        assert re.match(r"[A-Za-z0-9._\[\],-]+==\S+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())
    wanted = [r for group in groups for r in project["dependency-groups"][group]]
    if lock != "-bootstrap":
        wanted += project["project"]["dependencies"]
    assert {name(r) for r in wanted} <= {name(e) for e in pinned}


def test_nothing_reports_to_anybody(market: Market) -> None:
    kept = yaml.safe_load((market.week.home / "dagster" / "dagster.yaml").read_text())
    assert kept["telemetry"] == {"enabled": False}
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text())
    assert project["flags"] == {"send_anonymous_usage_stats": False}
    environment = dbt_environment(market.settings)
    assert environment["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"
    assert environment["DO_NOT_TRACK"] == "1"


@pytest.mark.parametrize("folder", ["models", "macros", "snapshots"])
def test_no_model_asks_the_machine_for_the_time(folder: str) -> None:
    clock = r"(?<!settle_)now\s*\(|(current|local)_?(timestamp|time|date)\b|(clock|statement|"
    clock += r"transaction)_timestamp|timeofday|run_started_at|modules\.datetime|'(now|today)'"
    for path in (PROJECT_ROOT / folder).rglob("*.sql"):
        spoken = r"--[^\n]*|\{#.*?#\}|macro postgres__current_timestamp"
        code = re.sub(spoken, "", path.read_text(), flags=re.S)
        assert not re.search(clock, code, re.I), path
        # Models ask for the instant of the build; the clock itself is for the macros.
        assert folder == "macros" or "settle_now" not in code, path


def test_a_failed_build_names_its_first_node(tmp_path: Path) -> None:
    log = tmp_path / "dbt.log"
    assert failure_line("build", [], log) == f"dbt build failed; see {log}"

    def node(unique_id: str, status: str, message: str) -> NodeResult:
        return NodeResult(unique_id, status, message, 0.0, None, None)

    results = [
        node("model.settle.windows", "success", "SELECT 4"),
        node("test.settle.unique_windows.a1b2", "fail", "Got 1\n row"),
        node("model.settle.entries", "skipped", "None"),
    ]
    assert failure_line("build", results, log) == (
        f"dbt build: 1 failed, first unique_windows: Got 1 row; see {log}"
    )
