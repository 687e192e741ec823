"""What several test files share: throwaway servers, the clock, the Olist sample."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.config import Settings
from tests.support.postgres import clear_home, copy_home, place, share_templates
from tests.support.settings import OLIST, SettleHome, make_settings, migrate

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
    if "tests.support.closed_week" in sys.modules:
        sys.modules["tests.support.closed_week"].end_copies()


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
