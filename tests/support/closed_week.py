"""A small marketplace whose last week is closed and waits for approval: made once, copied often."""

import functools
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from orchestrator.config import URL_VARIABLES, Component, Settings
from orchestrator.database.versions import FOLDER
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.support.ledgers import LEDGERS_READ
from tests.support.postgres import clear_folder, copy_home, place
from tests.support.settings import make_settings, without_fsync
from tests.support.shell import Shell, ShellInProcess

# Tuesday 08:00, when the payout of the latest closed window falls due.
NOW = datetime(2026, 11, 17, 8, tzinfo=UTC)
WINDOW, WINDOW_BEFORE, OPEN_WINDOW = "2026-W46", "2026-W45", "2026-W47"
FINANCE, SECOND, ANALYST = "ana", "ben", "eve"
PRISTINE = "pristine"

# The copies of the test file that runs.
_copies: list[str] = []


@dataclass(frozen=True)
class ClosedWeek:
    """The home in which `settle close` ran once, over data without any close before it."""

    home: Path

    @property
    def server(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home)

    @property
    def shell(self) -> Shell:
        """`settle` in the home itself, at NOW."""
        return Shell(self.home, SETTLE_NOW=NOW.isoformat())

    @property
    def shell_here(self) -> Shell:
        """The same in the process of the tests."""
        return ShellInProcess(self.home, SETTLE_NOW=NOW.isoformat())

    def copy(self) -> Settings:
        """Settings of a database like this one was after its close, with a home of its own."""
        name = f"copy_{len(_copies)}"
        _copies.append(name)
        self._copy_database(PRISTINE, name)
        with psycopg.connect(self.server.url(Component.OWNER, name)) as owner:
            owner.execute((FOLDER / "roles.sql").read_bytes())  # a copy takes no grants on itself
        home = self.home / name
        home.mkdir(exist_ok=True)
        urls = {c: self.server.url(c.value, name) for c in Component}
        return replace(make_settings(home, NOW.isoformat()), urls=urls)

    def _copy_database(self, template: str, name: str) -> None:
        statement = sql.SQL("create database {} template {} strategy file_copy")
        self._maintain(statement.format(sql.Identifier(name), sql.Identifier(template)))

    def _maintain(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            self.server.url(Component.OWNER, "postgres"), autocommit=True
        ) as owner:
            owner.execute(statement)

    def drop_copies(self) -> None:
        """So that the next file's have the same names, and dbt knows them again."""
        while _copies:
            name = _copies.pop()
            self._maintain(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))
            clear_folder(self.home / name)


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that say the same as the settings, but for the home."""
    urls = {URL_VARIABLES[c]: url for c, url in settings.urls.items()}
    return urls | ({"SETTLE_NOW": settings.now} if settings.now else {})


@functools.cache
def closed_week() -> ClosedWeek:
    """Made by the command line alone, the first time that somebody asks."""
    week = ClosedWeek(place() / "closed")
    copy_home("closed", lambda home: _make(ClosedWeek(home)), week.home)
    return week


def _make(week: ClosedWeek) -> None:
    week.server.start()
    with psycopg.connect(week.server.url(Component.OWNER), autocommit=True) as owner:
        without_fsync(owner)
    shell = week.shell_here
    shell.done("generate", "--sellers", "12", "--weeks", "4")
    shell.done("close")
    with psycopg.connect(week.server.url(Component.OWNER)) as owner:
        owner.execute(LEDGERS_READ)
    for name, group in ((FINANCE, "finance"), (SECOND, "finance"), (ANALYST, "analyst")):
        password = week.server.password(name)
        shell.done("user", "add", name, "--group", group, SETTLE_PASSWORD=password)
    week._copy_database("settle", PRISTINE)


def end_copies() -> None:
    """Where a test file ends that may have made some."""
    if _copies:
        closed_week().drop_copies()
