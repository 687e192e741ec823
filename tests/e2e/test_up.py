"""All services together, acting by themselves: real processes, a real daemon."""

import socket
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from tests.events.receiver import SECRET, receiver
from tests.functions.market import eventually
from tests.support.closed_week import NOW, closed_week, environment_of
from tests.support.services import ELSEWHERE, everything_up, free_port
from tests.support.shell import Shell


def query(settings: Settings, text: str) -> list[dict[str, object]]:
    with connect(settings, Component.ORCHESTRATOR) as database:
        return rows(database, text)


@pytest.mark.nightly(
    "a daemon of Dagster's for minutes: in make test its sensors close two weeks in one run in"
    " test_sensors.py, and all services start together in test_browser.py"
)
def test_a_daemon_that_was_down_over_two_sundays_catches_up() -> None:
    """It closes both weeks and posts who is held; a check that fails of the newer is an alert."""
    settings = closed_week().copy()
    monday = NOW + timedelta(days=13)
    variables = {**environment_of(settings), "SETTLE_NOW": monday.isoformat(), "SETTLE_ENV": "demo"}
    with receiver() as told:
        variables |= {"SETTLE_EVENTS_URL": told.url, "SETTLE_EVENTS_SECRET": SECRET}
        with everything_up(Shell(settings.home, **variables), "--port", str(free_port())):
            catches_up(settings)
            eventually(lambda: "payout.held" in told.types, 60)


def catches_up(settings: Settings) -> None:
    newest = "select payout_window from finance.window_closes order by 1 desc limit 2"
    eventually(lambda: query(settings, newest)[0]["payout_window"] == "2026-W48", 180)
    assert query(settings, newest)[1]["payout_window"] == "2026-W47"
    alert = "select message from finance.alerts where kind = 'run_failed'"
    eventually(lambda: bool(query(settings, alert)), 180)
    [found] = query(settings, alert)
    assert "2026-W48 is not payable, as checks failed: stale_sources (" in str(found["message"])


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home", **ELSEWHERE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = shell("up", "--receiver-port", "0", "--port", port)
    assert answer.code == 1
    assert answer.err == (
        f"settle: port {port} is taken (Address already in use): nothing was started; end what"
        " listens there, or name another port (settle up --help)\n"
    )
    assert not list(tmp_path.rglob("*.log"))
