"""Each sensor through every branch, on a week that was really closed."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import dagster as dg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as, rows
from orchestrator.database.people import add_person
from orchestrator.defs.approval_sensor import approval_sensor
from orchestrator.defs.assets import APPROVAL, PAYOUT, WEBHOOKS
from orchestrator.defs.jobs import close_job, pay_job, refresh_job
from orchestrator.defs.refresh_sensor import refresh_sensor
from orchestrator.defs.sensors import failure_sensor, missed_close_sensor, webhook_sensor
from orchestrator.errors import SettleError
from orchestrator.services.run_job import run_job
from tests.simulation.lab import lab
from tests.support.closed_week import FINANCE, NOW, WINDOW, ClosedWeek, closed_week
from tests.support.settings import at

WEEK = timedelta(days=7)
KEY_OF_WINDOW = "2026-11-09"
MONDAY = NOW - timedelta(days=1)


@pytest.fixture(scope="module")
def week() -> ClosedWeek:
    return closed_week()


@pytest.fixture
def history() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


class Ticks:
    """A window on its way to the rail, and what a sensor makes of it."""

    def __init__(
        self,
        settings: Settings,
        history: dg.DagsterInstance,
        people: Callable[[str], str],
        sensor: Callable[[Settings], dg.SensorDefinition],
    ) -> None:
        self.settings, self.history = settings, history
        self._people, self._sensor, self._cursor = people, sensor, None

    def ask(self, query: str, who: str | None = None) -> list[dict[str, object]]:
        if who:
            with connect_as(self.settings, who, self._people(who)) as database:
                return rows(database, query)
        with connect(self.settings, Component.ORCHESTRATOR) as database:
            return rows(database, query)

    def tick(self, instant: datetime = NOW) -> dg.SensorResult:
        sensor = self._sensor(at(self.settings, instant))
        context = dg.build_sensor_context(self.history, cursor=self._cursor)
        with context:
            found = sensor(context)
        if isinstance(found, dg.RunRequest):
            return dg.SensorResult([found])
        if isinstance(found, dg.SkipReason):
            return dg.SensorResult(skip_reason=found)
        assert isinstance(found, dg.SensorResult)
        self._cursor = found.cursor or self._cursor
        return found

    def said(self, instant: datetime = NOW) -> str:
        found = self.tick(instant)
        assert not found.run_requests
        return found.skip_reason.skip_message if found.skip_reason else ""

    def asked(self, instant: datetime = NOW) -> str:
        found = self.tick(instant)
        assert found.run_requests, found.skip_reason
        [request] = found.run_requests
        assert request.partition_key == KEY_OF_WINDOW
        return request.run_key or ""

    def moved(self) -> str:
        """The key of the one run without a partition that is asked for."""
        found = self.tick()
        assert found.run_requests, found.skip_reason
        [request] = found.run_requests
        assert request.partition_key is None
        return request.run_key or ""

    def approve(self, *names: str) -> None:
        [payable] = self.ask(f"select digest from finance.payable('{WINDOW}')")
        for name in names:
            self.ask(f"select finance.approve('{WINDOW}', '{payable['digest']}')", name)


@pytest.fixture
def approvals(week: ClosedWeek, history: dg.DagsterInstance) -> Ticks:
    settings = week.copy()
    add_person(settings, "ben", week.server.password("ben"), "finance")
    with connect(settings, Component.OWNER) as owner:
        owner.execute(
            "insert into finance.policies (name, amount_minor, note, proposed_by, confirmed_by,"
            " confirmed_at) values ('dual_approval_above', 0, 'two for all', 'a', 'b', %s)",
            [NOW - WEEK],
        )
    return Ticks(
        settings, history, week.server.password, lambda there: approval_sensor(there, pay_job())
    )


def test_from_nothing_to_a_batch(approvals: Ticks) -> None:
    ticks = approvals
    assert ticks.said().startswith(f"window {WINDOW} is not approved: review it and approve digest")
    with pytest.raises(SettleError, match=rf"^window {WINDOW} is not approved"):
        run_job(ticks.settings, "pay", KEY_OF_WINDOW)  # the asset by hand
    with pytest.raises(
        SettleError,
        match=r"^no payout window begins on 2014-11-17: the first is 2026-W\d\d, that of",
    ):
        run_job(ticks.settings, "pay", "2014-11-17")
    [ready] = ticks.ask(
        "select min(seller_id) as seller from settlement.seller_settlement"
        f" where payout_window = '{WINDOW}' and status = 'ready'"
    )
    ticks.ask(f"select finance.hold_seller('{ready['seller']}', 'a look')", FINANCE)
    ticks.approve(FINANCE)
    assert ticks.said().endswith(f"a second approval is needed beside {FINANCE}")
    ticks.approve("ben")
    assert ticks.said(MONDAY) == f"window {WINDOW} is due at 2026-11-17 08:00 UTC"
    before = ticks.asked()
    assert before.startswith(f"{WINDOW}/approved/")

    ticks.ask(f"select finance.release_hold('{WINDOW}', '{ready['seller']}', 'seen')", FINANCE)
    assert "does not cover what is ready now" in ticks.said()
    ticks.approve(FINANCE, "ben")
    assert ticks.asked() != before

    ticks.ask("select finance.pause_payouts('a drill')", "ben")
    assert ticks.said().startswith("payouts are paused since 2026-11-17 08:00 UTC by ben (a drill)")
    for name in (FINANCE, "ben"):
        ticks.ask("select finance.resume_payouts('over')", name)

    [frozen] = ticks.ask(f"select finance.freeze_batch('{WINDOW}') as batch_id")
    batch = frozen["batch_id"]
    assert ticks.asked() == f"{WINDOW}/resume/{batch}/0"
    ticks.ask("select finance.pause_payouts('again')", "ben")
    assert ticks.said().startswith(f"batch {batch} of {WINDOW} is frozen; payouts are paused")
    for name in (FINANCE, "ben"):
        ticks.ask("select finance.resume_payouts('over')", name)
    answer(ticks, 0, was_sent=True)
    assert ticks.asked(NOW + WEEK) == f"{WINDOW}/resume/{batch}/0"  # unknown, and weeks go on
    for name in (FINANCE, "ben"):
        ticks.ask(f"select finance.declare_rejected('{WINDOW}', 'halfin has none')", name)
    assert ticks.said().startswith(f"batch {batch} of {WINDOW} was rejected")


def answer(ticks: Ticks, status: int, body: str = "", *, was_sent: bool) -> None:
    """What a call to the rail leaves behind."""
    [call] = ticks.ask("select max(batch_id) as batch from finance.payout_batches")
    batch = call["batch"]
    [begun] = ticks.ask(f"select finance.begin_attempt({batch}, 1) as attempt")
    attempt = f"{batch}, 1, {begun['attempt']}"
    ticks.ask(f"select finance.append_response_chunk({attempt}, convert_to('{body}', 'UTF8'))")
    ticks.ask(f"select finance.end_attempt({attempt}, {status}, {was_sent}, 'r')")
    ticks.ask(f"select * from finance.conclude_call({batch}, 1)")


def test_an_approval_shows_on_the_gate_with_its_names_once(approvals: Ticks) -> None:
    assert not approvals.tick(MONDAY).asset_events
    approvals.approve(FINANCE)
    [event] = approvals.tick(MONDAY).asset_events
    assert isinstance(event, dg.AssetMaterialization)
    assert (event.asset_key, event.partition) == (APPROVAL, KEY_OF_WINDOW)
    assert FINANCE in str(event.metadata["approvals"].value)
    assert not approvals.tick(MONDAY).asset_events


def test_a_rejected_batch_is_not_sent_again_under_the_same_approval(approvals: Ticks) -> None:
    approvals.approve(FINANCE, "ben")
    at(approvals.settings, NOW)
    approvals.ask(f"select finance.freeze_batch('{WINDOW}')")
    answer(
        approvals, 400, '{"error": {"code": "validation_error", "message": "no"}}', was_sent=True
    )
    assert "was rejected" in approvals.said()
    for name in (FINANCE, "ben"):
        approvals.ask(f"select finance.revoke_approval('{WINDOW}')", name)
    approvals.approve(FINANCE, "ben")
    assert approvals.asked().startswith(f"{WINDOW}/approved/")


def test_a_check_that_fails_is_named_until_two_people_accept_it(approvals: Ticks) -> None:
    with connect(approvals.settings, Component.OWNER) as owner:
        owner.execute(
            "update handover.window_checks set is_passed = false"
            " where payout_window = %s and check_name = 'unusual_total'",
            [WINDOW],
        )
    approvals.approve(FINANCE, "ben")
    assert approvals.said().startswith(f"check unusual_total of {WINDOW} failed (new in the window")
    for name in (FINANCE, "ben"):
        approvals.ask(f"select finance.accept_check('{WINDOW}', 'unusual_total', 'sale')", name)
    assert approvals.asked()


def accepted(ticks: Ticks) -> None:
    """The window approved, frozen, sent and taken by the rail."""
    ticks.approve(FINANCE, "ben")
    at(ticks.settings, NOW)
    ticks.ask(f"select finance.freeze_batch('{WINDOW}')")
    taken_by_the_rail(ticks)


def taken_by_the_rail(ticks: Ticks) -> None:
    """Its answer to the call names a payout for each line."""
    [rail] = ticks.ask(
        "select json_build_object('data', json_build_object('id', 'b1', 'payouts', json_agg("
        "json_build_object('id', gen_random_uuid(), 'status', 'processing', 'environment', 'test',"
        " 'amount', amount_minor::numeric / 100, 'destination', wallet_address, 'currency',"
        " rail_currency, 'idempotency_key', idempotency_key))))::text as body"
        " from finance.payout_lines"
    )
    answer(ticks, 201, str(rail["body"]), was_sent=True)


def test_an_accepted_batch_and_a_window_without_a_close(approvals: Ticks) -> None:
    accepted(approvals)
    assert approvals.said().endswith("already, which is accepted")
    assert approvals.said(NOW + WEEK) == "window 2026-W47 has no stored close"


def test_another_run_is_asked_for_after_its_own_approval(approvals: Ticks) -> None:
    [ready] = approvals.ask(
        "select min(seller_id) as seller from settlement.seller_settlement"
        f" where payout_window = '{WINDOW}' and status = 'ready'"
    )
    approvals.ask(f"select finance.hold_seller('{ready['seller']}', 'a look')", "ben")
    accepted(approvals)
    assert approvals.said().endswith("already, which is accepted")
    approvals.ask(f"select finance.release_hold('{WINDOW}', '{ready['seller']}', 'seen')", "ben")
    assert approvals.said().startswith(f"run 2 of {WINDOW} is not approved: review it and approve")
    approvals.approve(FINANCE, "ben")
    found = approvals.tick()
    [request], [event] = found.run_requests or [], found.asset_events
    assert (request.partition_key, event.description) == (
        KEY_OF_WINDOW,
        f"run 2 of {WINDOW} was approved.",
    )
    approvals.ask(f"select finance.freeze_batch('{WINDOW}')")
    assert approvals.asked() == f"{WINDOW}/resume/2/0"


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
