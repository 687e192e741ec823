"""What several test files share: throwaway servers, the clock, the Olist sample."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.config import PROJECT_ROOT, Component, Settings, load_settings
from orchestrator.database import connect, rows
from orchestrator.embedded import EmbeddedPostgres
from orchestrator.migrate import prepare_database, set_clock

OLIST = PROJECT_ROOT.parent / "shared" / "data" / "olist"

SettleHome = Callable[[str], Settings]


# The files that take longest begin first: else one worker ends with them while the other idles.
LONG_FILES = (
    "test_simulation",
    *("test_demo", "test_week", "test_agreement", "test_crashes", "test_cli_paid"),
    *("test_large_batches", "test_rebuild", "test_external", "test_up"),
    "test_planted_secrets",
)


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


def without_fsync(owner: psycopg.Connection[Any]) -> None:
    """Wait for no disk: nothing that a test writes has to outlive a power cut."""
    owner.execute("alter system set fsync = off")
    owner.execute("select pg_reload_conf()")


@pytest.fixture(scope="module")
def settle_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SettleHome]:
    """Make a home with a migrated server of its own, gone when the test file is done."""
    homes: list[tuple[Path, Path]] = []

    def make(name: str) -> Settings:
        settings = make_settings(tmp_path_factory.mktemp(name))
        prepare_database(settings)
        with connect(settings, Component.OWNER, autocommit=True) as connection:
            without_fsync(connection)
            [row] = rows(connection, "select current_setting('data_directory') as folder")
        homes.append((settings.home, Path(row["folder"]).parent))
        return settings

    yield make
    for home, server_folder in homes:
        EmbeddedPostgres(home).stop()
        if server_folder != home:  # root's servers keep their data elsewhere
            shutil.rmtree(server_folder, ignore_errors=True)


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
