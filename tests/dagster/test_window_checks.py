"""A data check that fails stops the week: red on the graph, refused by the database.

What makes a check fail is tested beside the mart; here the mart says so.
"""

from dataclasses import replace

import dagster as dg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as
from orchestrator.database.people import add_person
from orchestrator.definitions import build_definitions
from orchestrator.defs.run_errors import is_failed_check, plain_reason
from orchestrator.errors import SettleError
from orchestrator.services.run_job import run_job
from tests.dagster.test_graph import CHECKS
from tests.support.closed_week import ANALYST, FINANCE, WINDOW, ClosedWeek

KEY_OF_WINDOW = "2026-11-09"
FREEZE = f"select finance.freeze_batch('{WINDOW}')"
NIGHTLY = pytest.mark.nightly("the same for each check; make test fails one of them")


@pytest.fixture
def approved(week: ClosedWeek) -> Settings:
    """The closed week, due and approved by one person, which is enough for it."""
    settings = replace(week.copy(), halfin_api_key="sk_test_" + "0" * 64)
    add_person(settings, "ben", week.server.password("ben"), "finance")
    with connect_as(settings, FINANCE, week.server.password(FINANCE)) as ana:
        ana.execute(
            "select finance.approve(payout_window, digest) from finance.payable(%s)", [WINDOW]
        )
    return settings


def judged(settings: Settings) -> tuple[dict[str, bool], dg.ExecuteInProcessResult]:
    """What the graph shows of the window's checks, and the run that found it."""
    review = build_definitions(settings).resolve_job_def("review")
    with dg.DagsterInstance.ephemeral() as instance:
        result = review.execute_in_process(
            partition_key=KEY_OF_WINDOW, instance=instance, raise_on_error=False
        )
    found = result.get_asset_check_evaluations()
    return {check.check_name: check.passed for check in found}, result


@pytest.mark.parametrize(
    "name",
    [
        "conservation",
        *(pytest.param(name, marks=NIGHTLY) for name in sorted(CHECKS - {"conservation"})),
    ],
)
def test_a_failed_check_stops_the_payout_until_two_people_accept_it(
    week: ClosedWeek, approved: Settings, name: str
) -> None:
    assert judged(approved)[0] == dict.fromkeys(CHECKS, True)
    with connect(approved, Component.OWNER) as owner:
        owner.execute(
            "update handover.window_checks set is_passed = false"
            " where payout_window = %s and check_name = %s",
            [WINDOW, name],
        )
    found, result = judged(approved)
    assert found == {check: check != name for check in CHECKS}
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert is_failed_check(failure)
    assert f"{WINDOW} is not payable, as checks failed: {name} (" in str(plain_reason([failure]))
    with pytest.raises(SettleError, match=f"check {name} of {WINDOW} failed"):
        run_job(approved, "pay", KEY_OF_WINDOW)
    for who, is_enough in ((FINANCE, False), (FINANCE, False), ("ben", True)):
        with connect_as(approved, who, week.server.password(who)) as person:
            person.execute("select finance.accept_check(%s, %s, 'known')", [WINDOW, name])
        assert judged(approved)[0][name] is is_enough
        if not is_enough:
            with (
                pytest.raises(SettleError, match=f"check {name} of {WINDOW} failed"),
                connect(approved, Component.ORCHESTRATOR) as database,
            ):
                database.execute(FREEZE)
    with connect(approved, Component.ORCHESTRATOR) as database:
        database.execute(FREEZE)


def test_who_only_reads_accepts_nothing(week: ClosedWeek, approved: Settings) -> None:
    with (
        pytest.raises(SettleError, match="takes a login of the finance group"),
        connect_as(approved, ANALYST, week.server.password(ANALYST)) as person,
    ):
        person.execute("select finance.accept_check(%s, 'unusual_total', 'x')", [WINDOW])


def test_a_check_that_was_not_computed_has_not_passed(approved: Settings) -> None:
    with connect(approved, Component.OWNER) as owner:
        owner.execute("delete from handover.window_checks where check_name = 'conservation'")
    found, _ = judged(approved)
    assert found == {check: check != "conservation" for check in CHECKS}
