"""What several test files share: throwaway servers, the clock, the Olist sample."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from homes import clear_home, copy_home, place, share_templates

from orchestrator.config import PROJECT_ROOT, Component, Settings, load_settings
from orchestrator.database import connect
from orchestrator.dbt import build_arguments, run_dbt
from orchestrator.migrate import prepare_database, set_clock

OLIST = PROJECT_ROOT.parent / "shared" / "data" / "olist"

SettleHome = Callable[[str], Settings]


# The files that take longest begin first: else one worker ends with them while the other idles.
LONG_FILES = (
    *("test_simulation", "test_agreement", "test_planted_mistakes", "test_demo", "test_week"),
    *("test_cli_paid", "test_analyst", "test_up", "test_rebuild", "test_large_batches"),
    *("test_external", "test_crashes", "test_books", "test_planted_secrets", "test_foundations"),
    *("test_browser", "test_cli", "test_olist", "test_dbt", "test_sensors", "test_cli_data"),
    *("test_bench", "test_receiver"),
)


def pytest_configure() -> None:
    """Before there are workers."""
    share_templates()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the files; within one, tests stay as they are written."""
    last = len(LONG_FILES)
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path.stem, last))


def make_settings(home: Path, now: str | None = None, **env: str) -> Settings:
    """Settings of a home and nothing else: the environment of the tests is left out."""
    return load_settings({"SETTLE_HOME": str(home), "SETTLE_NOW": now or "", **env})


def at(settings: Settings, instant: datetime) -> Settings:
    """Set the clock; returns the settings of that instant."""
    moved = replace(settings, now=instant.isoformat())
    set_clock(moved)
    return moved


def build_untested(settings: Settings) -> None:
    """A build of the live schemas for who tests something else than the data tests in it.

    Those take more than half of the time.
    """
    run_dbt(settings, [*build_arguments(), "--exclude-resource-type", "test", "--no-write-json"])


def without_fsync(owner: psycopg.Connection[Any]) -> None:
    """Wait for no disk: nothing that a test writes has to outlive a power cut."""
    owner.execute("alter system set fsync = off")
    owner.execute("select pg_reload_conf()")


def migrate(home: Path) -> None:
    """A server whose database `settle` has everything but data."""
    settings = make_settings(home)
    prepare_database(settings)
    with connect(settings, Component.OWNER, autocommit=True) as connection:
        without_fsync(connection)


@pytest.fixture(scope="module")
def settle_home() -> Iterator[SettleHome]:
    """Make a home with a migrated server of its own, gone when the test file is done."""
    homes: list[Path] = []

    def make(name: str) -> Settings:
        home = place() / name
        homes.append(home)
        copy_home("migrated", migrate, home)
        return make_settings(home)

    yield make
    for home in homes:
        clear_home(home)


@pytest.fixture(scope="module", autouse=True)
def copies_of_a_closed_week() -> Iterator[None]:
    """What a test file copies is gone when it is done."""
    yield
    if "closed_week" in sys.modules:
        sys.modules["closed_week"].end_copies()


@pytest.fixture(scope="module")
def settings(settle_home: SettleHome) -> Settings:
    """One such home for the whole test file."""
    return settle_home("settle")


@pytest.fixture(scope="session")
def olist() -> Path:
    """The folder of the Olist sample, which is not part of the project."""
    if not OLIST.is_dir():
        pytest.skip(f"no Olist sample at {OLIST}: the expected figures were not compared")
    return OLIST
