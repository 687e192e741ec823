"""The small hostile sample: the public views show the expected figures, to the cent.

As of an instant by dbt itself; week by week, from stored closes, by the SQL that dbt compiles.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import AS_OF_SCHEMA, build_as_of, build_live
from tests.models.as_of import AS_OF_SEEDS, build_first, rebuild
from tests.models.hostile_sample import (
    assert_equal,
    close_until,
    replace_policies,
    stored_rows,
)
from tests.models.worlds import insert, insert_go_live
from tests.reference.csv_files import read_facts
from tests.reference.facts import Facts
from tests.reference.samples import GO_LIVE, INSTANTS, STORED_UNTIL, sample
from tests.simulation.databases import copy_of
from tests.simulation.lab import lab
from tests.support.settings import HOSTILE, SettleHome, at

WEEK = timedelta(weeks=1)
LAG = timedelta(minutes=15)
# The first window in which anything is available ends here, or later.
BEGIN = datetime.fromisoformat("2020-12-07T00:00:00Z")
LIVE, LIVE_SEEDS = "settlement", "settlement_seeds"
MANY = pytest.mark.many(
    "as of another instant: make test compares one, and all of them week by week"
)


@pytest.fixture(scope="module", autouse=True)
def hostile() -> Path:
    if not HOSTILE.is_dir():
        pytest.skip(f"no hostile sample at {HOSTILE}: the expected figures were not compared")
    return HOSTILE


@pytest.fixture(scope="module")
def loaded(settings: Settings, hostile: Path) -> Settings:
    settings = at(settings, instant("2021-01-04"))
    insert(settings, read_facts(hostile))
    return settings


def instant(name: str) -> datetime:
    return datetime.fromisoformat(INSTANTS[name])


def zone(name: str) -> str:
    return "Europe/Berlin" if name.startswith("berlin") else "UTC"


def decide(settings: Settings, directory: Path, name: str) -> None:
    """What finance has decided besides: assignments to policies, or a go-live."""
    facts = sample(directory, name).facts
    insert(settings, Facts(assignments=facts.assignments))
    if facts.go_live:
        with connect(settings, Component.OWNER) as owner:
            insert_go_live(owner, facts.go_live)


@pytest.mark.parametrize("name", ["2021-01-04", pytest.param("berlin-2021-02-10", marks=MANY)])
def test_as_of_an_instant(loaded: Settings, hostile: Path, name: str) -> None:
    build_as_of(loaded, instant(name), zone(name))
    assert_equal(loaded, AS_OF_SCHEMA, hostile / "expected" / name)


@MANY
def test_as_of_an_instant_after_go_live(loaded: Settings, hostile: Path) -> None:
    name = "go-live-2021-01-18"
    decide(loaded, hostile, name)
    build_as_of(loaded, instant(name), zone(name))
    assert_equal(loaded, AS_OF_SCHEMA, hostile / "expected" / name)


@MANY
def test_as_of_an_instant_under_the_policies_of_then(
    settle_home: SettleHome, hostile: Path
) -> None:
    name = "policies-2021-02-08"
    settings = at(settle_home("policies"), instant(name))
    insert(settings, read_facts(hostile))
    decide(settings, hostile, name)
    rules = sample(hostile, name).settings
    build_first(settings, instant(name), rules)
    replace_policies(settings, AS_OF_SEEDS, rules.policies)
    rebuild(settings, instant(name), rules)
    assert_equal(settings, AS_OF_SCHEMA, hostile / "expected" / name)


@contextmanager
def weeks(name: str, directory: Path) -> Iterator[Settings]:
    """The sample in a database whose windows are of the zone of the expected figures."""
    with copy_of(lab().home, lab().templates[zone(name)]) as settings:
        insert(at(settings, BEGIN), read_facts(directory))
        yield settings


def week_by_week(settings: Settings, name: str, until: datetime) -> Settings:
    """Builds and closes at the end of each week, the sum of which nothing may depend on."""
    project = replace(lab().project, zone=zone(name))
    now = GO_LIVE if name.startswith("go-live") else BEGIN
    while now < until:
        now = min(now + WEEK, until)
        settings = at(settings, now + LAG)
        project.build(settings)
        close_until(settings, now)
    return settings


def build(settings: Settings, name: str, now: datetime, *, full_refresh: bool = False) -> Settings:
    settings = at(settings, now)
    replace(lab().project, zone=zone(name)).build(settings, full_refresh=full_refresh)
    return settings


@pytest.mark.parametrize("name", [name for name in INSTANTS if not name.startswith("late")])
def test_week_by_week_and_after_a_full_refresh(hostile: Path, name: str) -> None:
    with weeks(name, hostile) as settings:
        decide(settings, hostile, name)
        if name.startswith("policies"):
            replace_policies(settings, LIVE_SEEDS, sample(hostile, name).settings.policies)
        week_by_week(settings, name, instant(name) - WEEK)
        for is_full in (False, True):
            settings = build(settings, name, instant(name), full_refresh=is_full)
            assert_equal(settings, LIVE, hostile / "expected" / name)
        assert contradictions(settings) == []


def test_rows_that_come_after_closes(hostile: Path) -> None:
    name = "late-2021-01-18"
    with weeks(name, hostile) as settings:
        settings = week_by_week(settings, name, STORED_UNTIL)
        before = stored_rows(settings)
        assert before
        insert(settings, read_facts(hostile / "late"))
        for is_full in (False, True, False):
            settings = build(settings, name, instant(name), full_refresh=is_full)
            assert_equal(settings, LIVE, hostile / "expected" / name)
            assert stored_rows(settings) == before
            assert contradictions(settings) == []
        close_until(settings, instant(name))
        stored = stored_rows(settings)
        assert set(stored) > set(before)
        for is_full in (False, True):
            settings = build(settings, name, instant(name), full_refresh=is_full)
            assert_equal(settings, LIVE, hostile / "expected" / name)
            assert stored_rows(settings) == stored
            assert contradictions(settings) == []
        # Posted for ever: nothing of it shows up again a week later.
        later = instant(name) + WEEK
        settings = build(settings, name, later)
        close_until(settings, later)
        for is_full in (False, True):
            settings = build(settings, name, later + WEEK, full_refresh=is_full)
            assert contradictions(settings) == []


@pytest.mark.many("four builds: make test compares dbt's rows in test_simulation.py")
@pytest.mark.slow
def test_dbt_itself_leaves_the_same_behind(settle_home: SettleHome, hostile: Path) -> None:
    """Closes stored by real builds, late rows after them, and a real full refresh."""
    name = "late-2021-01-18"
    settings = at(settle_home("dbt"), STORED_UNTIL + LAG)
    insert(settings, read_facts(hostile))
    build_live(settings)
    close_until(settings, STORED_UNTIL)
    insert(settings, read_facts(hostile / "late"))
    settings = at(settings, instant(name))
    for is_full in (False, True):
        build_live(settings, full_refresh=is_full)
        assert_equal(settings, LIVE, hostile / "expected" / name)


def contradictions(settings: Settings) -> list[tuple[object, ...]]:
    with connect(settings, Component.ORCHESTRATOR) as connection:
        return connection.execute(
            "select * from settlement.data_exceptions where reason = 'contradicted_close'"
        ).fetchall()
