"""The closed week, a history of runs, and a window that waits for two approvals."""

from collections.abc import Iterator

import dagster as dg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.database.people import add_person
from orchestrator.defs.approval_sensor import approval_sensor
from orchestrator.defs.jobs import pay_job
from tests.dagster.ticks import WEEK, Ticks
from tests.support.closed_week import NOW, ClosedWeek, closed_week


@pytest.fixture(scope="module")
def week() -> ClosedWeek:
    return closed_week()


@pytest.fixture
def history() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


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
