"""The demo: three payout weeks, one after another, over real HTTP and real processes."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestrator.config import Component, Environment, Settings, load_settings
from orchestrator.database.connection import connect, connect_as, rows
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.database.people import add_person
from orchestrator.dbt.builds import build_live
from orchestrator.demo.beside import imported, made_ready, receiver_and_rail
from orchestrator.demo.data import (
    fill,
    has_late_rows,
    load_late_rows,
    orders_by_currency,
    windows_to_pay,
)
from orchestrator.demo.report import show_report
from orchestrator.demo.step import Step
from orchestrator.demo.two_weeks import two_weeks_tried
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError
from orchestrator.project_variables import project_variables
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from orchestrator.settlement.windows import partition_key

APPROVERS = ("ana", "ben")
OUTCOME_TIMEOUT_S = 120.0


class Demo:
    """One run of the demo; each step prints a line with its time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._console = Console(highlight=False)
        self._started = time.monotonic()

    def run(self, data: Path | None, *, sellers: int, weeks: int) -> None:
        """All steps. Safe to run again: what is stored or paid stays so, the rest goes on."""
        with self._step("Postgres, migrations"), imported():
            prepare_database(self._settings)
            set_clock(self._settings)
        with ExitStack() as beside:
            # The clock is ours until the end: a `settle status` beside us must not set it back.
            with connect(self._settings, Component.OWNER) as clock:
                clock.execute("select finance.hold_lock('clock')")
                last, verdict = self._weeks(data, sellers, weeks, beside)
            self._at(None)
            with self._step("Building the views as of now"):
                build_live(self._settings)
            said = ""
            if verdict:
                with self._step("Two weeks of reserve, tried on these weeks"):
                    said = verdict()
        seconds = time.monotonic() - self._started
        show_report(self._settings, self._console, last, said, seconds)

    def _weeks(
        self, data: Path | None, sellers: int, weeks: int, beside: ExitStack
    ) -> tuple[str, Callable[[], str] | None]:
        """Returns the last week that was paid, and what to call for what a policy came to."""
        verdict, home = None, self._settings.home
        environment = {
            "SETTLE_HOME": str(home),
            "SETTLE_ENV": Environment.DEMO.value,
            "SETTLE_NOW": "",
        }
        title = f"Loading {data}" if data else f"Generating {sellers} sellers, {weeks} weeks"
        with self._step(title) as note, made_ready(home, environment):
            fill(self._settings, data, sellers=sellers, weeks=weeks)
            note(f"orders: {orders_by_currency(self._settings)}")
        history, *weeks_to_pay = windows_to_pay(self._settings)
        self._people()
        with receiver_and_rail(home, environment) as rail:
            with self._step(f"Closing the history up to {history['payout_window']}, in one run"):
                self._close(history)
            self._settings = replace(self._settings, halfin_base_url=rail())
            for week in weeks_to_pay:
                with self._step(f"{week['payout_window']}: close (Sunday night)"):
                    self._close(week)
                if week is weeks_to_pay[-1] and not data:
                    # Beside what comes after: neither a pay nor a build keeps both cores busy.
                    verdict = beside.enter_context(two_weeks_tried(home, environment))
                self._pay(week)
                if week is weeks_to_pay[0]:
                    self._bring_late_rows()
        return str(weeks_to_pay[-1]["payout_window"]), verdict

    def _bring_late_rows(self) -> None:
        if has_late_rows(self._settings):
            with self._step("Rows arrive late") as note:
                count = load_late_rows(self._settings)
                note(f"{count} rows; those of closed weeks count in the next window")

    def _people(self) -> None:
        for name in APPROVERS:
            add_person(self._settings, name, self._password(name), "finance")

    def _password(self, name: str) -> str:
        return EmbeddedPostgres(self._settings.home).password(name)

    def _at(self, instant: datetime | None) -> None:
        """Move the clock; None is the real time."""
        self._settings = replace(self._settings, now=instant.isoformat() if instant else None)
        set_clock(self._settings)

    def _close(self, window: dict[str, Any]) -> None:
        lag = timedelta(minutes=project_variables()["close_lag_minutes"])
        self._at(window["window_ends_at"] + lag)
        with connect(self._settings, Component.ORCHESTRATOR) as database:
            stored = rows(
                database,
                "select 1 from finance.window_closes where payout_window = %s",
                window["payout_window"],
            )
        if not stored:
            from orchestrator.services.run_job import run_job  # Dagster: imported beside

            run_job(self._settings, "close", partition_key(window["payout_window"]))

    def _pay(self, window: dict[str, Any]) -> None:
        name = window["payout_window"]
        with connect(self._settings, Component.ORCHESTRATOR) as database:
            if rows(
                database,
                "select 1 from finance.payout_batches"
                " where payout_window = %s and state = 'accepted'",
                name,
            ):
                self._console.print(f"  {name}: paid before")
                return
        with self._step(f"{name}: review and approve (Monday)") as note:
            self._at(window["payout_due_at"] - timedelta(hours=23))
            note(self._approve(name))
        with self._step(f"{name}: pay (Tuesday), webhooks back") as note:
            self._at(window["payout_due_at"])
            pay_window(self._settings, name)
            self._wait_for_outcomes(name)
            note(f"{reconcile(self._settings)} failed payouts confirmed, their money came back")

    def _approve(self, window: str) -> str:
        with connect(self._settings, Component.ORCHESTRATOR) as database:
            [payable] = rows(
                database,
                "select digest, line_count, currency, finance.money(total_minor) as total"
                " from finance.payable(%s)",
                window,
            )
        for name in APPROVERS:
            with connect_as(self._settings, name, self._password(name)) as database:
                # Somebody's own files may end in the middle of a week: both say that they know.
                database.execute(
                    "select finance.accept_check(%s, f.check_name, 'the data of the demo')"
                    " from finance.failed_checks(%s) as f",
                    [window, window],
                )
                database.execute("select finance.approve(%s, %s)", [window, payable["digest"]])
        return (
            f"{payable['line_count']} lines, {payable['total']} {payable['currency']},"
            f" digest {payable['digest'][:12]}..., by {' and '.join(APPROVERS)}"
        )

    def _wait_for_outcomes(self, window: str) -> None:
        deadline = time.monotonic() + OUTCOME_TIMEOUT_S
        while True:
            with connect(self._settings, Component.ORCHESTRATOR) as database:
                [open_lines] = rows(
                    database,
                    "select count(*) as n from finance.payout_lines where payout_window = %s"
                    " and state in ('frozen', 'submitted')",
                    window,
                )
            if not open_lines["n"]:
                return
            if time.monotonic() > deadline:
                raise SettleError(
                    f"{open_lines['n']} lines of {window} have no outcome yet;"
                    f" see receiver.log and sandbox.log in {self._settings.home}"
                )
            time.sleep(0.2)

    def _step(self, title: str) -> Step:
        return Step(self._console, title)


def run_demo(data: Path | None, *, sellers: int, weeks: int) -> None:
    """Run the demo in SETTLE_HOME; refused on an external or production database."""
    settings = load_settings()
    if settings.environment is Environment.PRODUCTION:
        raise SettleError("the demo moves the clock and pays: unset SETTLE_ENV=production")
    if not settings.is_embedded:
        raise SettleError("the demo wants a database of its own: unset SETTLE_DATABASE_URL")
    settings = replace(settings, environment=Environment.DEMO, is_environment_given=True)
    Demo(settings).run(data, sellers=sellers, weeks=weeks)
