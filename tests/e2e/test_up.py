"""All services together, acting by themselves: real processes, a real daemon."""

import socket
from datetime import timedelta

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
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
    """It closes both weeks, and what does not hold of the newer one is an alert."""
    settings = closed_week().copy()
    monday = NOW + timedelta(days=13)
    variables = {**environment_of(settings), "SETTLE_NOW": monday.isoformat(), "SETTLE_ENV": "demo"}
    with everything_up(Shell(settings.home, **variables), "--port", str(free_port())):
        newest = "select payout_window from finance.window_closes order by 1 desc limit 2"
        eventually(lambda: query(settings, newest)[0]["payout_window"] == "2026-W48", 180)
        assert query(settings, newest)[1]["payout_window"] == "2026-W47"
        alert = "select message from finance.alerts where kind = 'run_failed'"
        eventually(lambda: bool(query(settings, alert)), 180)
    [found] = query(settings, alert)
    assert "2026-W48 is not payable, as checks failed: stale_sources (" in str(found["message"])


def test_a_port_in_use_is_one_clear_line() -> None:
    settings = closed_week().copy()
    shell = Shell(settings.home, **environment_of(settings), **ELSEWHERE)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        answer = shell("up", "--receiver-port", "0", "--port", port)
    assert answer.code == 1
    assert answer.err.startswith("settle: the webserver ended with")
    assert f"see {settings.home / 'webserver.log'}" in answer.err
