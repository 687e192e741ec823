"""The demo: three payout weeks, one after another, over real HTTP and real processes."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import sql
from rich.console import Console
from rich.table import Table

from orchestrator.config import Component, Environment, Settings, load_settings
from orchestrator.database.connection import connect, connect_as, rows, sql_file
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.database.people import add_person
from orchestrator.dbt.builds import build_live
from orchestrator.demo.generate import Late, generate
from orchestrator.demo.step import Step
from orchestrator.demo.two_weeks import two_weeks_tried
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError
from orchestrator.loading.load import load_directory
from orchestrator.project_variables import payout_holidays, project_variables, source_table
from orchestrator.services.processes import service
from orchestrator.services.run_job import run_job
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from orchestrator.settlement.windows import partition_key

SQL = Path(__file__).parent / "sql"
APPROVERS = ("ana", "ben")
FAILURE_RATE = 0.03
BAD_ACTORS = Decimal("0.02")  # of their orders most are disputed
OUTCOME_TIMEOUT_S = 120.0
FAILED_LINES = (
    "select seller_id, net, failure_reason from settlement.seller_settlement"
    " where failure_reason is not null"
)


class Demo:
    """One run of the demo; each step prints a line with its time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._console = Console(highlight=False)
        self._started = time.monotonic()

    def run(self, data: Path | None, *, sellers: int, weeks: int) -> None:
        """All steps. Safe to run again: what is stored or paid stays so, the rest goes on."""
        with self._step("Postgres, migrations"):
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
        self._report(last, said)

    def _weeks(
        self, data: Path | None, sellers: int, weeks: int, beside: ExitStack
    ) -> tuple[str, Callable[[], str] | None]:
        """Returns the last week that was paid, and what to call for what a policy came to."""
        verdict = None
        with self._step(
            f"Loading {data}" if data else f"Generating {sellers} sellers, {weeks} weeks"
        ) as note:
            self._fill(data, sellers, weeks)
            note(f"orders: {self._orders()}")
        history, *weeks_to_pay = self._windows()
        self._people()
        with self._step(f"Closing the history up to {history['payout_window']}, in one run"):
            self._close(history)
        environment = {
            "SETTLE_HOME": str(self._settings.home),
            "SETTLE_ENV": Environment.DEMO.value,
            "SETTLE_NOW": "",
        }
        logs = self._settings.home
        with service(["serve", "--port", "0"], environment, logs / "receiver.log") as webhooks:
            sandbox = [
                "sandbox", "--port", "0", "--webhook-url", webhooks,
                "--failure-rate", str(FAILURE_RATE),
                "--state-file", str(logs / "sandbox.json"),
            ]  # fmt: skip
            with service(sandbox, environment, logs / "sandbox.log") as rail:
                self._settings = replace(self._settings, halfin_base_url=rail)
                for week in weeks_to_pay:
                    with self._step(f"{week['payout_window']}: close (Sunday night)"):
                        self._close(week)
                    if week is weeks_to_pay[-1] and not data:
                        # Beside what comes after: neither a pay nor a build keeps both cores busy.
                        tried = two_weeks_tried(self._settings.home, environment)
                        verdict = beside.enter_context(tried)
                    self._pay(week)
                    if week is weeks_to_pay[0]:
                        self._bring_late_rows()
        return str(weeks_to_pay[-1]["payout_window"]), verdict

    def _fill(self, data: Path | None, sellers: int, weeks: int) -> None:
        with connect(self._settings, Component.OWNER) as database:
            if data:
                load_directory(database, data)
                return
            known = rows(database, "select 1 from marketplace.orders limit 1")
            if not known:
                [now] = rows(database, "select settle_now() as instant")
                late = Late(self._late_folder)
                generate(
                    database,
                    sellers=sellers,
                    weeks=weeks,
                    until=now["instant"],
                    late=late,
                    bad_actors=BAD_ACTORS,
                )

    def _orders(self) -> str:
        """How many there are in each currency, the most first."""
        query = sql.SQL(sql_file("orders_by_currency", SQL)).format(
            orders=sql.Identifier(*source_table("orders"))
        )
        with connect(self._settings, Component.ORCHESTRATOR) as database:
            return ", ".join(f"{n:,} {currency}" for currency, n in database.execute(query))

    @property
    def _late_folder(self) -> Path:
        """Where the rows wait that reach the database after their window was closed."""
        return self._settings.home / "late"

    def _bring_late_rows(self) -> None:
        if not self._late_folder.is_dir():
            return
        with self._step("Rows arrive late") as note:
            with connect(self._settings, Component.OWNER) as database:
                report = load_directory(database, self._late_folder)
            count = sum(table.inserted for table in report.tables.values())
            note(f"{count} rows; those of closed weeks count in the next window")

    def _windows(self) -> list[dict[str, Any]]:
        query = sql.SQL(sql_file("windows", SQL)).format(
            orders=sql.Identifier(*source_table("orders"))
        )
        zone = project_variables()["settlement_timezone"]
        with (
            connect(self._settings, Component.ORCHESTRATOR) as database,
            database.cursor() as cursor,
        ):
            cursor.execute(query, {"timezone": zone, "holidays": payout_holidays()})
            names = [c.name for c in cursor.description or []]
            found = [dict(zip(names, row, strict=True)) for row in cursor]
        if len(found) < 4:
            raise SettleError(
                "the data has no three full weeks whose payout is due: add older orders"
            )
        return found

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

    def _report(self, last: str, said: str) -> None:
        with connect(self._settings, Component.ORCHESTRATOR) as database:
            outcomes = rows(database, sql_file("outcomes", SQL))
        table = Table(title="What happened")
        for column in ("window", "lines", "total", "paid", "paid amount", "failed", "rolled on"):
            table.add_column(column, justify="left" if column == "window" else "right")
        for row in outcomes:
            table.add_row(
                row["payout_window"], str(row["line_count"]), row["total"], str(row["paid"]),
                row["paid_amount"], str(row["failed"]), row["rolled_amount"],
            )  # fmt: skip
        self._console.print(table)
        if said:
            self._console.print(said, soft_wrap=True)
        home = self._settings.home
        prefix = "" if home == (Path.cwd() / ".settle") else f'SETTLE_HOME="{home}" '
        self._console.print(
            f"Done in {time.monotonic() - self._started:.0f} s. Look next:\n"
            f"  {prefix}.venv/bin/settle status\n"
            f"  {prefix}.venv/bin/settle review {last}\n"
            f"  {prefix}.venv/bin/settle sql {FAILED_LINES!r}\n"
            f"  {prefix}.venv/bin/settle db stop",
            soft_wrap=True,
        )


def run_demo(data: Path | None, *, sellers: int, weeks: int) -> None:
    """Run the demo in SETTLE_HOME; refused on an external or production database."""
    settings = load_settings()
    if settings.environment is Environment.PRODUCTION:
        raise SettleError("the demo moves the clock and pays: unset SETTLE_ENV=production")
    if not settings.is_embedded:
        raise SettleError("the demo wants a database of its own: unset SETTLE_DATABASE_URL")
    settings = replace(settings, environment=Environment.DEMO, is_environment_given=True)
    Demo(settings).run(data, sellers=sellers, weeks=weeks)
