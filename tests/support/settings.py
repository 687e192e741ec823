"""Settings, clock and builds of a test's own server; where the shared sample data is."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg

from orchestrator.config import PROJECT_ROOT, Component, Settings, load_settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.dbt.builds import build_arguments
from orchestrator.dbt.runner import run_dbt

# Beside the project, not in it; tests that want it skip where it is missing.
OLIST = PROJECT_ROOT.parent / "shared" / "data" / "olist"
# A small marketplace made to be hostile: ties, currencies, late rows, go-live, reserve policies.
HOSTILE = PROJECT_ROOT.parent / "shared" / "data" / "second"

SettleHome = Callable[[str], Settings]


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
    """Wait for no disk: nothing that a test writes has to outlive a power cut.

    Where its data is in memory, the log of what was written is too: it stays small.
    """
    owner.execute("alter system set fsync = off")
    owner.execute("alter system set max_wal_size = '256MB'")
    owner.execute("select pg_reload_conf()")


def migrate(home: Path) -> None:
    """A server whose database `settle` has everything but data."""
    settings = make_settings(home)
    prepare_database(settings)
    with connect(settings, Component.OWNER, autocommit=True) as connection:
        without_fsync(connection)
