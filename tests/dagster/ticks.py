"""A window on its way to the rail, and what a sensor makes of it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as, rows
from tests.support.closed_week import FINANCE, NOW, WINDOW
from tests.support.settings import at

WEEK = timedelta(days=7)
KEY_OF_WINDOW = "2026-11-09"
MONDAY = NOW - timedelta(days=1)


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


def answer(ticks: Ticks, status: int, body: str = "", *, was_sent: bool) -> None:
    """What a call to the rail leaves behind."""
    [call] = ticks.ask("select max(batch_id) as batch from finance.payout_batches")
    batch = call["batch"]
    [begun] = ticks.ask(f"select finance.begin_attempt({batch}, 1) as attempt")
    attempt = f"{batch}, 1, {begun['attempt']}"
    ticks.ask(f"select finance.append_response_chunk({attempt}, convert_to('{body}', 'UTF8'))")
    ticks.ask(f"select finance.end_attempt({attempt}, {status}, {was_sent}, 'r')")
    ticks.ask(f"select * from finance.conclude_call({batch}, 1)")


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
