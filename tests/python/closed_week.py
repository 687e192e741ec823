"""A small marketplace whose last week is closed and waits for approval: made once, copied often."""

import atexit
import functools
import itertools
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from command_line import Shell
from conftest import make_settings, without_fsync
from psycopg import sql

from orchestrator.config import URL_VARIABLES, Component, Settings
from orchestrator.embedded import EmbeddedPostgres
from orchestrator.migrate import FOLDER

# Tuesday 08:00, when the payout of the latest closed window falls due.
NOW = datetime(2026, 11, 17, 8, tzinfo=UTC)
WINDOW, WINDOW_BEFORE, OPEN_WINDOW = "2026-W46", "2026-W45", "2026-W47"
FINANCE, SECOND, ANALYST = "ana", "ben", "eve"
PRISTINE = "pristine"

_numbers = itertools.count()


def open_home(prefix: str) -> Path:
    """A folder that the server's own user may enter, gone at exit with the server in it."""
    home = Path(tempfile.mkdtemp(prefix=f"settle-{prefix}-"))
    home.chmod(0o755)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(EmbeddedPostgres(home).stop)
    return home


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

    def copy(self) -> Settings:
        """Settings of a database like this one was after its close, with a home of its own."""
        name = f"copy_{next(_numbers)}"
        self._copy_database(PRISTINE, name)
        with psycopg.connect(self.server.url(Component.OWNER, name)) as owner:
            owner.execute((FOLDER / "roles.sql").read_bytes())  # a copy takes no grants on itself
        home = self.home / name
        home.mkdir()
        urls = {c: self.server.url(c.value, name) for c in Component}
        return replace(make_settings(home, NOW.isoformat()), urls=urls)

    def _copy_database(self, template: str, name: str) -> None:
        with psycopg.connect(
            self.server.url(Component.OWNER, "postgres"), autocommit=True
        ) as owner:
            statement = sql.SQL("create database {} template {} strategy file_copy")
            owner.execute(statement.format(sql.Identifier(name), sql.Identifier(template)))


def environment_of(settings: Settings) -> dict[str, str]:
    """The variables that say the same as the settings, but for the home."""
    urls = {URL_VARIABLES[c]: url for c, url in settings.urls.items()}
    return urls | ({"SETTLE_NOW": settings.now} if settings.now else {})


@functools.cache
def closed_week() -> ClosedWeek:
    """Made by the command line alone, the first time that somebody asks."""
    week = ClosedWeek(open_home("closed"))
    week.server.start()
    with psycopg.connect(week.server.url(Component.OWNER), autocommit=True) as owner:
        without_fsync(owner)
    week.shell.done("generate", "--sellers", "12", "--weeks", "4")
    week.shell.done("close")
    for name, group in ((FINANCE, "finance"), (SECOND, "finance"), (ANALYST, "analyst")):
        password = week.server.password(name)
        week.shell.done("user", "add", name, "--group", group, SETTLE_PASSWORD=password)
    week._copy_database("settle", PRISTINE)
    return week
