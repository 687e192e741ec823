"""The week as Dagster runs it: one build a close, what it shows, where its history is.

The shape of the graph is in test_graph.py, weeks in test_partitions.py, sensors in test_sensors.py
and test_approval_sensor.py.
"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import dagster as dg
import psycopg
import pytest

from orchestrator.cli.review import read_review
from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect, rows
from orchestrator.defs.assets import CLOSE
from orchestrator.defs.metadata import close_report, payout_report
from orchestrator.services.dagster_instance import kept_instance, prepare_dagster
from orchestrator.settlement.windows import partition_key
from tests.support.closed_week import WINDOW, ClosedWeek, environment_of
from tests.support.settings import SettleHome, make_settings

KEY_OF_WINDOW = "2026-11-09"


def test_a_close_takes_one_dbt_run_and_stores_the_weeks_before_too(week: ClosedWeek) -> None:
    """What `settle close` left behind where no window had been closed before."""
    with connect(week.copy(), Component.ORCHESTRATOR) as database:
        stored = rows(database, "select payout_window from finance.window_closes order by 1")
        ended = rows(
            database, "select payout_window from settlement.windows where is_closed order by 1"
        )
    assert stored == ended
    assert [row["payout_window"] for row in stored][-2:] == ["2026-W45", WINDOW]
    with kept_instance(make_settings(week.home)) as instance:
        [run] = instance.get_runs()
        built = instance.fetch_materializations(dg.AssetKey("window_summary"), limit=5).records
        closed = instance.get_materialized_partitions(CLOSE)
        report = instance.fetch_materializations(
            dg.AssetRecordsFilter(CLOSE, asset_partitions=[KEY_OF_WINDOW]), limit=1
        ).records
    assert (run.job_name, run.status) == ("close", dg.DagsterRunStatus.SUCCESS)
    assert run.tags["dagster/partition"] == KEY_OF_WINDOW
    assert len(built) == 1
    assert closed == {partition_key(row["payout_window"]) for row in stored}
    assert report[0].asset_materialization is not None
    shown = report[0].asset_materialization.metadata
    assert {"review", "weeks", "totals_by_rail", "holds_by_reason"} <= set(shown)


def test_the_report_has_the_figures_of_the_review(week: ClosedWeek) -> None:
    settings = week.copy()
    document = read_review(settings, WINDOW)
    shown = {
        name: str(getattr(v, "value", v)) for name, v in close_report(settings, WINDOW).items()
    }
    assert shown["digest"] == document["digest"]
    assert (
        f"{document['line_count']} sellers, {Decimal(document['total']):,} USD" in shown["review"]
    )
    for rail in document["by_rail"]:
        row = f"| {rail['rail']} | {rail['line_count']} | {Decimal(rail['total']):,} |"
        assert row in shown["totals_by_rail"]
    for hold in document["holds"]:
        name = hold["reason"].replace("_", "\\_")
        row = f"| {name} | {hold['seller_count']} | {Decimal(hold['total']):,} |"
        assert row in shown["holds_by_reason"]
    assert f"Flagged | {len(document['flagged'])} of" in shown["review"]
    for obstacle in document["obstacles"]:
        assert obstacle.split()[-1].replace("_", "\\_") in shown["what_next"]
    assert payout_report(settings, WINDOW) == {}


def test_the_history_of_runs_is_where_no_money_is(week: ClosedWeek) -> None:
    """In a database of its own, whose login is refused by the other."""
    with psycopg.connect(week.server.url("dagster", "settle_dagster")) as history:
        [count] = history.execute("select count(*) from runs").fetchone() or (0,)
    assert count == 1
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(week.server.url("dagster", "settle"))
    for login in ("orchestrator", "dbt"):
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(week.server.url(login, "settle_dagster"))


def test_several_runs_may_be_the_first(
    settle_home: SettleHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    settings = settle_home("first")

    def look() -> list[dg.DagsterRun]:
        with kept_instance(settings) as instance:
            return list(instance.get_runs())

    with ThreadPoolExecutor(4) as threads:
        asked = [threads.submit(look) for _ in range(4)]
        assert [answer.result() for answer in asked] == [[]] * 4


def test_dagster_finds_the_code_location(week: ClosedWeek) -> None:
    """What `dagster dev -m orchestrator.definitions` loads, as the README has it."""
    variables = {**os.environ, "SETTLE_HOME": str(week.home), **environment_of(week.copy())}
    validate = ("definitions", "validate", "-m", "orchestrator.definitions")
    validated = subprocess.run(
        [sys.executable, "-m", "dagster", *validate],
        cwd=PROJECT_ROOT,
        env={**variables, **prepare_dagster(make_settings(week.home))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert validated.returncode == 0, validated.stderr
    assert "Validation successful" in validated.stdout + validated.stderr
