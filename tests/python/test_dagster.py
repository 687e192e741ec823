"""The week as Dagster runs it: one build a close, and a sensor that tells what the database says.

The shape of the graph and the pure decisions are in test_graph.py, weeks in test_partitions.py.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import stamina
from closed_week import FINANCE, NOW, WINDOW, ClosedWeek, closed_week, environment_of
from conftest import at, make_settings
from halfin_rail import KEY

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database import connect, connect_as, rows
from orchestrator.errors import SettleError
from orchestrator.jobs import approval_sensor, pay_job
from orchestrator.migrate import add_person
from orchestrator.pay import pay_window
from orchestrator.run_job import kept_instance, run_job
from orchestrator.sandbox import SandboxConfig, running

WEEK = timedelta(days=7)
KEY_OF_WINDOW = "2026-11-09"


@pytest.fixture(scope="module")
def week() -> ClosedWeek:
    return closed_week()


def test_a_close_takes_one_dbt_run_and_stores_the_weeks_before_too(
    week: ClosedWeek, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `settle close` left behind where no window had been closed before."""
    with connect(week.copy(), Component.ORCHESTRATOR) as database:
        stored = rows(database, "select payout_window from finance.window_closes order by 1")
        ended = rows(
            database, "select payout_window from settlement.windows where is_closed order by 1"
        )
    assert stored == ended
    assert [row["payout_window"] for row in stored][-2:] == ["2026-W45", WINDOW]
    assert len(list((week.home / "dbt" / "target").glob("settlement_models-*"))) == 1
    monkeypatch.setenv("DAGSTER_HOME", str(week.home / "dagster"))
    with dg.DagsterInstance.get() as instance:
        [run] = instance.get_runs()
    assert (run.job_name, run.status) == ("close", dg.DagsterRunStatus.SUCCESS)
    assert run.tags["dagster/partition"] == KEY_OF_WINDOW


def test_several_runs_may_be_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    settings = make_settings(tmp_path)

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
        env={**variables, "DAGSTER_HOME": str(week.home / "dagster")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert validated.returncode == 0, validated.stderr
    assert "Validation successful" in validated.stdout + validated.stderr


@dataclass
class Ticks:
    """A window on its way to the rail, and what the sensor makes of it."""

    settings: Settings
    people: Callable[[str], str]

    def ask(self, query: str, who: str | None = None) -> list[dict[str, object]]:
        if who:
            with connect_as(self.settings, who, self.people(who)) as database:
                return rows(database, query)
        with connect(self.settings, Component.ORCHESTRATOR) as database:
            return rows(database, query)

    def tick(self, instant: datetime = NOW) -> dg.RunRequest | dg.SkipReason:
        settings = at(self.settings, instant)
        found = approval_sensor(settings, pay_job())()
        assert isinstance(found, dg.RunRequest | dg.SkipReason)
        return found

    def said(self, instant: datetime = NOW) -> str:
        found = self.tick(instant)
        assert isinstance(found, dg.SkipReason)
        return found.skip_message or ""

    def asked(self, instant: datetime = NOW) -> str:
        found = self.tick(instant)
        assert isinstance(found, dg.RunRequest)
        assert found.partition_key == KEY_OF_WINDOW
        return found.run_key or ""

    def approve(self, *names: str) -> None:
        [payable] = self.ask(f"select digest from finance.payable('{WINDOW}')")
        for name in names:
            self.ask(f"select finance.approve('{WINDOW}', '{payable['digest']}')", name)


def test_the_sensor_from_nothing_to_paid(week: ClosedWeek) -> None:
    settings = replace(week.copy(), halfin_api_key=KEY)
    ticks = Ticks(settings, week.server.password)
    add_person(settings, "ben", week.server.password("ben"), "finance")
    with connect(settings, Component.OWNER) as owner:
        owner.execute(
            "insert into finance.payout_policies"
            " (valid_from, dual_approval_above_minor, maximum_line_minor) values (%s, 0, 25000000)",
            [NOW - WEEK],
        )
    assert ticks.said().startswith(f"window {WINDOW} is not approved: review it and approve digest")
    with pytest.raises(SettleError, match=rf"^window {WINDOW} is not approved"):
        run_job(settings, "pay", KEY_OF_WINDOW)  # the asset by hand
    with pytest.raises(SettleError, match="no payout window begins on 2014-11-17: the first began"):
        run_job(settings, "pay", "2014-11-17")

    [ready] = ticks.ask(
        "select min(seller_id) as seller from settlement.seller_settlement"
        f" where payout_window = '{WINDOW}' and status = 'ready'"
    )
    ticks.ask(f"select finance.hold_seller('{ready['seller']}', 'a look')", FINANCE)
    ticks.approve(FINANCE)
    assert ticks.said().endswith(f"a second approval is needed beside {FINANCE}")
    ticks.approve("ben")
    monday = NOW - timedelta(days=1)
    assert ticks.said(monday) == f"window {WINDOW} is due at 2026-11-17 08:00 UTC"
    before = ticks.asked()
    assert before.startswith(f"{WINDOW}/approved/")

    ticks.ask(f"select finance.release_hold('{WINDOW}', '{ready['seller']}', 'seen')", FINANCE)
    assert "does not hold what is ready now" in ticks.said()
    ticks.approve(FINANCE, "ben")
    assert ticks.asked() != before

    [frozen] = ticks.ask(f"select finance.freeze_batch('{WINDOW}') as batch_id")
    batch = frozen["batch_id"]
    assert ticks.asked() == f"{WINDOW}/resume/{batch}/0"
    ticks.ask(f"select * from finance.begin_call({batch})")
    assert ticks.asked() == f"{WINDOW}/resume/{batch}/1"
    away = replace(settings, halfin_base_url="http://127.0.0.1:1/api")
    with (
        stamina.set_testing(True, attempts=1),
        pytest.raises(SettleError, match="no certain answer"),
    ):
        pay_window(away, WINDOW)
    assert ticks.asked() == f"{WINDOW}/resume/{batch}/2"
    assert ticks.asked(NOW + WEEK) == f"{WINDOW}/resume/{batch}/2"  # weeks go on

    at(settings, NOW)
    with running(SandboxConfig(api_key=KEY)) as url:
        run_job(replace(settings, halfin_base_url=url), "pay", KEY_OF_WINDOW)
    assert ticks.said() == f"window {WINDOW} is in batch {batch} already, which is accepted"
    assert ticks.said(NOW + WEEK) == "window 2026-W47 has no stored close"

    nowhere = dict.fromkeys(Component, "postgresql://a:b@127.0.0.1:1/settle")
    unreachable = approval_sensor(replace(settings, urls=nowhere), pay_job())()
    assert isinstance(unreachable, dg.SkipReason)
    assert "the database does not answer" in (unreachable.skip_message or "")
