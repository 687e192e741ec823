"""What several test files share: throwaway servers, the clock, the Olist sample."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.config import Settings
from tests.support.parses import share_parses
from tests.support.postgres import clear_home, copy_home, place, share_templates
from tests.support.settings import OLIST, SettleHome, make_settings, migrate

# Their tests share nothing but what a process makes once: each goes to whoever is free.
SPREAD = "simulation"
# Their files share what is made once a folder: one worker has the folder.
SHARED = ("archive",)


def pytest_configure() -> None:
    """Before there are workers, and in each of them."""
    share_templates()
    share_parses()
    # What tests import and collect stays: looking through it for cycles at each 700 new objects is
    # a quarter of importing dbt and Dagster.
    gc.set_threshold(100_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file is one worker's, as its fixtures are, and within it tests stay as they are written.
    So is a folder whose files share theirs.

    Files with a slow test begin first, and what is spread fills up the end: else one worker ends
    with a long file while the others idle.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.parent.name == SPREAD, item.path not in slow))
    for item in items:
        if item.path.parent.name != SPREAD:
            group = item.path.parent if item.path.parent.name in SHARED else item.path
            item.add_marker(pytest.mark.xdist_group(str(group.relative_to(item.config.rootpath))))


def pytest_collection_finish(session: pytest.Session) -> None:
    """With several workers, each file's tests go to one: else each would make its fixtures anew."""
    if getattr(session.config.option, "loadgroup", False):
        for item in session.items:
            if item.get_closest_marker("xdist_group") and "@" not in item.nodeid:
                raise pytest.UsageError(f"pytest-xdist sends {item.nodeid} to any worker")


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
