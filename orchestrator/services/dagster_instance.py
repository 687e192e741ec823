"""Dagster's home: its settings, and a database of its own for the history of runs.

Restoring the money does not bring old runs back, and the history can be thrown away alone.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import psycopg
from psycopg import sql

from orchestrator.config import DAGSTER_URL_VARIABLE, Component, Settings
from orchestrator.database.connection import pinned
from orchestrator.database.people import password_literal
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError
from orchestrator.secret_files import exclusive

LOGIN, DATABASE = "dagster", "settle_dagster"
# What the database itself says to who connects: Dagster's programs read the URL alone.
SESSIONS = {
    # Tables are made in the first schema that is named; pg_catalog comes before it unnamed.
    "search_path": "public, pg_temp",
    # A close writes 500 events, each with commits of its own: seconds of waiting for the disk. A
    # crash of the server costs the history its last moment, and no money is in it.
    "synchronous_commit": "off",
}
SETTINGS = Path(__file__).with_name("dagster.yaml")
HISTORY = f"""
storage:
  custom:
    module: orchestrator.services.history
    class: History
    config:
      postgres_url: {{env: {DAGSTER_URL_VARIABLE}}}
"""


def prepare_dagster(settings: Settings) -> dict[str, str]:
    """Write the home's dagster.yaml; returns the variables with which Dagster finds all of it.

    The embedded server gets the database and its login. With an external one SETTLE_DAGSTER_URL
    names them; where it is unset, the history is kept in files of the home.
    """
    folder = settings.home / "dagster"
    url = _own_database(settings) if settings.is_embedded else settings.dagster_url
    text = SETTINGS.read_text(encoding="utf-8") + (HISTORY if url else "")
    with exclusive(folder / "settle.lock", 0o700):
        config = folder / "dagster.yaml"
        if not config.exists() or config.read_text(encoding="utf-8") != text:
            config.write_text(text, encoding="utf-8")
        return {"DAGSTER_HOME": str(folder)} | ({DAGSTER_URL_VARIABLE: _driven(url)} if url else {})


@contextmanager
def kept_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """This installation's Dagster, made at the first call; several may arrive at once.

    Raises SettleError where the database of its history does not answer.
    """
    variables = prepare_dagster(settings)
    os.environ.update(variables)
    if url := variables.get(DAGSTER_URL_VARIABLE):
        _pin(url.replace("+psycopg2", "", 1))
    with exclusive(settings.home / "dagster" / "settle.lock", 0o700):
        instance = dg.DagsterInstance.get()
    with instance:
        yield instance


def make_history(settings: Settings) -> dict[str, str]:
    """`prepare_dagster`, and the tables of the history; returns the same variables.

    Before programs of Dagster's start together: two that make the tables at once spoil them. Raises
    SettleError where the database does not answer.
    """
    variables = prepare_dagster(settings)
    with kept_instance(settings):
        return variables


def _pin(url: str) -> None:
    """Have the database itself say how its sessions begin, where it does not yet.

    Raises SettleError where it does not answer.
    """
    try:
        with psycopg.connect(url, autocommit=True, application_name="settle") as history:
            for name, value in SESSIONS.items():
                [found] = history.execute("select current_setting(%s)", [name]).fetchone() or ("",)
                if found != value:
                    history.execute(_set_for_all(history.info.dbname, name))
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise SettleError(
            f"the database of {DAGSTER_URL_VARIABLE} does not answer: {reason}"
        ) from None


def _driven(url: str) -> str:
    """With the driver that dagster-postgres speaks to; SQLAlchemy would choose another."""
    return "postgresql+psycopg2://" + url.partition("://")[2]


def _own_database(settings: Settings) -> str:
    server = EmbeddedPostgres(settings.home)
    server.start()
    url = server.url(LOGIN, DATABASE)
    # Two processes may be the first. A lock of the server's any login could hold.
    with (
        exclusive(settings.home / "dagster" / "database.lock", 0o700),
        psycopg.connect(
            pinned(server.url(Component.OWNER, "postgres")),
            autocommit=True,
            application_name="settle",
        ) as owner,
    ):
        known = "select from pg_database where datname = %s"
        if owner.execute(known, [DATABASE]).fetchone() is None:
            login, database = sql.Identifier(LOGIN), sql.Identifier(DATABASE)
            if owner.execute("select from pg_roles where rolname = %s", [LOGIN]).fetchone() is None:
                # Dagster connects for each event, a thousand times in a close. Iterations slow down
                # who guesses; this password is 24 random bytes.
                owner.execute("set scram_iterations = 1")
                password = password_literal(owner, LOGIN, server.password(LOGIN))
                owner.execute(sql.SQL("create role {} login password {}").format(login, password))
            owner.execute(sql.SQL("create database {} owner {}").format(database, login))
            owner.execute(sql.SQL("revoke all on database {} from public").format(database))
            for name in SESSIONS:
                owner.execute(_set_for_all(DATABASE, name))
    return url


def _set_for_all(database: str, name: str) -> sql.Composed:
    change = sql.SQL("alter database {} set {} = {}")
    return change.format(sql.Identifier(database), sql.Identifier(name), sql.SQL(SESSIONS[name]))
