"""`settle db start` killed while it installs or upgrades: the next one goes on."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database import migrate, versions
from orchestrator.database.apply import apply_migrations
from orchestrator.database.connection import connect
from orchestrator.database.versions import FOLDER
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.support.postgres import clear_home, place
from tests.support.shell import Shell

APPLIED = "select count(*) from finance._yoyo_migration"


@pytest.fixture
def home() -> Iterator[Path]:
    """A server with an empty database."""
    folder = place() / "interrupted"
    folder.mkdir(mode=0o755)
    EmbeddedPostgres(folder).start()
    yield folder
    clear_home(folder)


def applied(home: Path) -> int:
    """How many migrations are there; -1 where not even the table of them is."""
    with psycopg.connect(EmbeddedPostgres(home).url(Component.OWNER)) as owner:
        try:
            row = owner.execute(APPLIED).fetchone()
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return -1
    return int(row[0]) if row else -1


def test_an_install_that_was_killed_goes_on(home: Path) -> None:
    """Before the migrations are there, and before the functions are: each time by kill -9."""
    settle = Shell(home)
    reached = []
    for least in (0, 1):
        with settle.start("db", "start") as process:
            deadline = time.monotonic() + 60
            while (count := applied(home)) < least and process.poll() is None:
                assert time.monotonic() < deadline, count
            process.kill()
        reached.append(applied(home))
    assert set(reached) <= {0, len(list((FOLDER / "migrations").glob("*.sql")))}, "not half of them"
    assert settle.done("db", "start").startswith("Postgres is up")
    assert settle.done("db", "start").startswith("Postgres is up")
    assert applied(home) == len(list((FOLDER / "migrations").glob("*.sql")))


def test_an_upgrade_that_was_killed_goes_on(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a migration that changes a table, before the functions that go with it."""
    later = tmp_path / "database"
    shutil.copytree(FOLDER, later)
    (later / "migrations" / "9999.later.sql").write_text(
        "alter table finance.installation add column later text;\n"
    )
    monkeypatch.setattr(versions, "FOLDER", later)
    with connect(settings, Component.OWNER, autocommit=True) as owner:
        apply_migrations(settings, owner, later / "migrations")  # and here the process was killed
    migrate.prepare_database(settings, is_asked=True)
    migrate.prepare_database(settings)
