"""The sensors of missed closes, failed runs, refreshes and webhooks, on a week that was closed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect, rows
from orchestrator.defs.approval_sensor import approval_sensor
from orchestrator.defs.assets import PAYOUT, WEBHOOKS
from orchestrator.defs.jobs import close_job, pay_job, refresh_job
from orchestrator.defs.refresh_sensor import refresh_sensor
from orchestrator.defs.sensors import failure_sensor, missed_close_sensor, webhook_sensor
from orchestrator.errors import SettleError
from orchestrator.services.run_job import run_job
from tests.dagster.ticks import KEY_OF_WINDOW, Ticks, accepted, taken_by_the_rail
from tests.simulation.lab import lab
from tests.support.closed_week import FINANCE, NOW, WINDOW, ClosedWeek
from tests.support.settings import at


def test_an_unreachable_database_is_a_reason(week: ClosedWeek, history: dg.DagsterInstance) -> None:
    nowhere = dict.fromkeys(Component, "postgresql://a:b@127.0.0.1:1/settle")
    settings = replace(week.copy(), urls=nowhere)
    for sensor in (
        approval_sensor(settings, pay_job()),
        missed_close_sensor(settings, close_job()),
        webhook_sensor(settings),
        refresh_sensor(settings, refresh_job()),
    ):
        with dg.build_sensor_context(history) as context:
            found = sensor.evaluate_tick(context)
        assert "the database does not answer" in (found.skip_message or "")


@pytest.mark.many("a close by Dagster: make test has others, and what this sensor asks for")
def test_two_sundays_missed_are_closed_in_one_run(
    week: ClosedWeek, history: dg.DagsterInstance
) -> None:
    ticks = Ticks(
        week.copy(), history, week.server.password, lambda s: missed_close_sensor(s, close_job())
    )
    assert ticks.said() == f"window {WINDOW} is closed"
    sunday = datetime.fromisoformat("2026-11-30T00:16:00+00:00")
    [request] = ticks.tick(sunday).run_requests or []  # the schedule's own time for the newer one
    assert request.partition_key == "2026-11-16"
    later = sunday + timedelta(minutes=10)
    [request] = ticks.tick(later).run_requests or []
    assert request.partition_key == "2026-11-23"
    settings = at(ticks.settings, later)
    run_job(settings, "close", request.partition_key)
    stored = ticks.ask("select payout_window from finance.window_closes order by 1 desc limit 2")
    assert [row["payout_window"] for row in stored] == ["2026-W48", "2026-W47"]
    assert ticks.said(later) == "window 2026-W48 is closed"


def test_a_close_that_failed_is_asked_for_again(
    week: ClosedWeek, history: dg.DagsterInstance
) -> None:
    ticks = Ticks(
        week.copy(), history, week.server.password, lambda s: missed_close_sensor(s, close_job())
    )
    monday = NOW + timedelta(days=6)
    [first] = ticks.tick(monday).run_requests or []
    with failing_run(history, "close", "2026-11-16"):
        assert "1 runs failed" in ticks.said(monday)
    assert first.run_key == "2026-W47/missed/0"


@contextmanager
def failing_run(history: dg.DagsterInstance, job: str, partition: str) -> Iterator[dg.DagsterRun]:
    """A run of that job and partition in the history that ended in its first step."""

    @dg.op
    def refuse() -> None:
        raise SettleError("the sources are locked: unlock them")

    @dg.job(name=job)
    def failing() -> None:
        refuse()

    result = failing.execute_in_process(
        instance=history, raise_on_error=False, tags={"dagster/partition": partition}
    )
    yield result.dagster_run


def test_a_failed_run_is_an_alert(week: ClosedWeek, history: dg.DagsterInstance) -> None:
    settings = week.copy()
    with failing_run(history, "close", KEY_OF_WINDOW) as run:
        [failure] = [
            record.event_log_entry.dagster_event
            for record in history.get_records_for_run(run.run_id).records
            if record.event_log_entry.dagster_event_type is dg.DagsterEventType.RUN_FAILURE
        ]
    context = dg.build_run_status_sensor_context(
        sensor_name="failed_run_sensor",
        dagster_event=failure,
        dagster_instance=history,
        dagster_run=run,
    ).for_run_failure()
    failure_sensor(settings)(context)
    with connect(settings, Component.ORCHESTRATOR) as database:
        [alert] = rows(database, "select * from finance.alerts where kind = 'run_failed'")
    assert alert["subject"] == f"close {KEY_OF_WINDOW}"
    assert alert["message"].endswith("failed: the sources are locked: unlock them")


def test_a_refresh_is_asked_for_once_money_has_moved(
    approvals: Ticks, history: dg.DagsterInstance, week: ClosedWeek
) -> None:
    ticks = Ticks(
        approvals.settings,
        history,
        week.server.password,
        lambda s: refresh_sensor(s, refresh_job()),
    )
    nothing = "no line has moved money since the last build"
    assert ticks.said() == nothing
    approvals.approve(FINANCE, "ben")
    at(approvals.settings, NOW)
    ticks.ask(f"select finance.freeze_batch('{WINDOW}')")
    assert ticks.said() == f"the payout of {WINDOW} is under way"
    taken_by_the_rail(ticks)
    paid = ticks.moved()
    assert ticks.moved() == paid  # one run: Dagster knows its key
    # A failure that the rail, asked, confirms is money that came back.
    [line] = ticks.ask("select * from finance.payout_lines order by line_id limit 1")
    failed = {
        "id": line["payout_id"],
        "status": "failed",
        "currency": line["rail_currency"],
        "amount": f"{line['amount_minor'] / 100:.2f}",
        "destination": line["wallet_address"],
        "environment": "test",
    }
    with connect(ticks.settings, Component.ORCHESTRATOR) as orchestrator:
        body = json.dumps({"data": failed}).encode()
        orchestrator.execute("select finance.record_lookup(%s)", [body])
    assert ticks.moved() != paid
    later = NOW + timedelta(hours=1)
    replace(lab().project, zone="UTC").build(at(ticks.settings, later))
    assert ticks.said(later) == nothing


def test_webhooks_show_on_the_graph_and_move_the_cursor(
    approvals: Ticks, history: dg.DagsterInstance, week: ClosedWeek
) -> None:
    accepted(approvals)
    ticks = Ticks(approvals.settings, history, week.server.password, webhook_sensor)
    assert ticks.said() == "no new webhook"
    [line] = ticks.ask("select min(payout_id) as payout from finance.payout_lines")
    with connect(ticks.settings, Component.WEBHOOK) as receiver:
        for payout in (line["payout"], "not-ours"):
            receiver.execute(
                "insert into halfin.webhook_events (signature, body) values ('s', %s)",
                [f'{{"event": "payout.failed", "data": {{"id": "{payout}"}}}}'.encode()],
            )
    seen, moved = ticks.tick().asset_events
    assert seen.asset_key == WEBHOOKS
    assert seen.metadata["new_events"].value == 2
    assert seen.metadata["by_type"].value == "payout.failed 2"
    assert isinstance(moved, dg.AssetObservation)
    assert (moved.asset_key, moved.partition) == (PAYOUT, KEY_OF_WINDOW)
    assert moved.metadata["state"].value == "accepted"
    assert "submitted" in str(moved.metadata["outcomes"].value)
    assert ticks.said() == "no new webhook"
