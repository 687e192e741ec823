"""What deploy/README.md has the administrator of an external server run: here it is run.

On a server that translates its messages, by which no decision could be told from code in a view.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest

from orchestrator.config import PROJECT_ROOT, URL_VARIABLES, Component
from tests.postgres.external_server import PROGRAMS, SECRET, Server, external_server
from tests.support.shell import ShellInProcess

GERMAN = "de_DE.UTF-8"
# What tells a person or a program that it has to do with lc_messages.
TRANSLATES = (
    f"this server translates its messages (lc_messages is {GERMAN}), and refuses decisions and"
    " payouts while it does: its administrator runs: alter system set lc_messages = 'C';"
    " select pg_reload_conf();"
)


@dataclass(frozen=True)
class German:
    """A server whose administrator speaks German, before the lines of the page were run."""

    server: Server
    home: Path

    def settle(
        self, *, component: Component = Component.OWNER, login: str = "payouts"
    ) -> ShellInProcess:
        url = {URL_VARIABLES[component]: self.server.url(login, "settle")}
        return ShellInProcess(self.home, **url, SETTLE_PASSWORD="correct horse battery")

    def connect(self, login: str = "postgres", database: str = "settle") -> psycopg.Connection:
        return psycopg.connect(self.server.url(login, database), autocommit=True)


@pytest.fixture(scope="module")
def german() -> Iterator[German]:
    with TemporaryDirectory(prefix="settle-german-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server's user reads it
        yield from _german(folder)


def _german(folder: Path) -> Iterator[German]:
    made = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", folder / GERMAN], capture_output=True
    )
    if made.returncode:
        pytest.skip("no de_DE: apt-get install locales, to test a server that translates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LOCPATH", str(folder))
        patch.setenv("LC_ALL", "C")
        with external_server() as server:
            superuser = psycopg.connect(server.url("postgres", "postgres"), autocommit=True)
            with superuser:
                superuser.execute(f"alter system set lc_messages = '{GERMAN}'".encode())
                superuser.execute("create database settle owner payouts")
                superuser.execute("select pg_reload_conf()")
            yield German(server, folder / "home")


def lines_of_the_page() -> list[str]:
    """The administrator's own commands with psql, but for the one that asks for passwords."""
    page = (PROJECT_ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    block = page.partition("## First time")[2].partition("```sh\n")[2].partition("```")[0]
    found = re.findall(r"^psql (?:[^\n]*\\\n)*[^\n]*", block, re.M)
    mine = [command for command in found if "\\password" not in command]
    assert len(mine) == len(found) - 1 == 2
    return mine


@pytest.mark.slow
def test_the_administrators_lines_close_what_they_say(german: German) -> None:
    migrate = german.settle()
    assert migrate.refused("db", "start") == TRANSLATES
    assert migrate.done("user", "add", "ana", "--group", "finance")
    pause = ("pause", "--as", "ana", "--note", "n")
    assert migrate.refused(*pause) == TRANSLATES
    # The server says in German that a password is wrong; it is not taken for a server that is away.
    wrong = german.settle(component=Component.WEBHOOK)
    said = wrong.refused(*pause, SETTLE_PASSWORD="a wrong word")
    assert said == "login ana: unknown, or the password is wrong"

    variables = {
        "PGHOST": "localhost",
        "PGPORT": str(german.server.port),
        "PGUSER": "postgres",
        "PGPASSWORD": SECRET,
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": str(german.server.folder / "ca.pem"),
        "PATH": f"{PROGRAMS[0]}:{os.environ['PATH']}",
    }
    for command in lines_of_the_page():
        subprocess.run(
            ["bash", "-e", "-c", command.replace("psql ", "psql -v ON_ERROR_STOP=1 ", 1)],
            env=os.environ | variables,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    assert migrate.done("db", "start") == "Postgres is up (external).\n"
    assert migrate.done(*pause).startswith("ana paused payouts")
    with german.connect() as superuser:
        for login in ("dbt", "orchestrator", "webhook", "portal", "dagster"):
            superuser.execute(f"alter role {login} password '{SECRET}'".encode())
    for login in ("dbt", "orchestrator", "webhook", "portal"):
        with german.connect(login) as somebody:
            for call in ("pg_advisory_lock(1)", "pg_try_advisory_xact_lock_shared(1, 2)",
                         "pg_advisory_unlock_all()", "lo_creat(0)", "lo_create(0)",
                         "lo_from_bytea(0, '')", "pg_terminate_backend(pg_backend_pid())",
                         "pg_cancel_backend(0)",
                         "pg_logical_emit_message(false, '', '')"):  # fmt: skip
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    somebody.execute(f"select {call}".encode())
    with german.connect("orchestrator") as orchestrator:
        turn = orchestrator.execute("select finance.take_turn('2026-W47')").fetchone()
        assert turn == (True,)
    with german.connect("dagster", "settle_dagster"):
        pass
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        german.connect("portal", "settle_dagster")


@pytest.mark.slow
def test_whoever_is_no_administrator_changes_no_language(german: German) -> None:
    with german.connect("payouts") as owner:
        for change in ("set lc_messages = 'C'", "alter database settle set lc_messages = 'C'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(change.encode())
