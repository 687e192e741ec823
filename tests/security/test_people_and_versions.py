"""Logins of people, sockets of others, and older or edited versions of ours."""

import os
import socket
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from orchestrator.config import Component, Environment, Settings
from orchestrator.database import migrate, versions
from orchestrator.database.connection import connect, database_url, open_as
from orchestrator.database.people import add_person, remove_person
from orchestrator.errors import SettleError

PASSWORD = "not easy to guess"  # noqa: S105 - of a server that is gone in a minute


@pytest.mark.parametrize("password", ["x", "short", "benbenbenben"])
def test_an_easy_password_is_refused(settings: Settings, password: str) -> None:
    """A password of one letter was taken."""
    with pytest.raises(SettleError, match="the password is too short"):
        add_person(settings, "ben", password, "finance")


@pytest.mark.parametrize("name", ["dagster", "settlement", "Finance", "dev_x"])
def test_a_components_name_is_no_persons(settings: Settings, name: str) -> None:
    """A person named dagster kept the graph from ever having its login."""
    with pytest.raises(SettleError, match="belongs to the system"):
        add_person(settings, name, PASSWORD, "analyst")


def test_no_statement_carries_a_password(settings: Settings) -> None:
    """A server that logs its statements had every password in its log."""
    with connect(settings, Component.OWNER, autocommit=True) as owner:
        owner.execute("alter system set log_statement = 'all'")
        owner.execute("select pg_reload_conf()")
        [data] = owner.execute("show data_directory").fetchone() or ("",)
    add_person(settings, "cleo", PASSWORD, "analyst")
    with connect(settings, Component.OWNER, autocommit=True) as owner:
        owner.execute("alter system reset log_statement")
        owner.execute("select pg_reload_conf()")
    log = (Path(data).parent / "postgres.log").read_text()
    assert 'create role "cleo"' in log
    assert PASSWORD not in log


def test_a_person_leaves_no_transaction_open(settings: Settings) -> None:
    """An analyst's open transaction kept a build from replacing its tables."""
    add_person(settings, "fay", PASSWORD, "analyst")
    asked = "select current_setting(%s)"
    with open_as(settings, "fay", PASSWORD) as fay:
        for setting, value in (
            ("statement_timeout", "15min"),
            ("idle_in_transaction_session_timeout", "5min"),
            ("lock_timeout", "30s"),
        ):
            assert fay.execute(asked, [setting]).fetchone() == (value,)


def test_who_is_removed_is_out_at_once(settings: Settings) -> None:
    """A connection that was kept open outlived its login."""
    add_person(settings, "dan", PASSWORD, "finance")
    kept = open_as(settings, "dan", PASSWORD)
    remove_person(settings, "dan")
    with pytest.raises(psycopg.OperationalError):
        kept.execute("select 1")
    with pytest.raises(SettleError, match="unknown, or the password is wrong"):
        open_as(settings, "dan", PASSWORD)
    with pytest.raises(SettleError, match="is not one of ours"):
        add_person(settings, "dan", PASSWORD, "finance")


def test_a_reader_makes_no_large_object(settings: Settings) -> None:
    """Any login filled the disk with large objects."""
    with (
        psycopg.connect(database_url(settings, Component.WEBHOOK)) as webhook,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        webhook.execute("select lo_create(0)")


@pytest.mark.parametrize("kind", ["", "_shared"])
@pytest.mark.parametrize("name", ["pg_advisory_lock", "pg_try_advisory_xact_lock"])
def test_no_login_fills_the_room_for_locks(settings: Settings, name: str, kind: str) -> None:
    """With some ten thousand advisory locks of a seller's page, nobody could decide or pay."""
    query = f"select count({name}{kind}(x)) from generate_series(1, 100000) as x"
    for component in (Component.PORTAL, Component.DBT, Component.ORCHESTRATOR):
        with (
            psycopg.connect(database_url(settings, component)) as other,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            other.execute(query.encode())


@pytest.mark.parametrize(
    "call",
    ["pg_terminate_backend(0)", "pg_cancel_backend(0)", "pg_logical_emit_message(false, 'x', 'x')"],
)
def test_no_login_ends_a_session(settings: Settings, call: str) -> None:
    """Code in a view that a sensor read ended the payout's session, which has the same login."""
    for component in Component:
        if component is not Component.OWNER:
            with (
                psycopg.connect(database_url(settings, component)) as other,
                pytest.raises(psycopg.errors.InsufficientPrivilege),
            ):
                other.execute(f"select {call}".encode())


def test_a_false_socket_gets_no_password(settings: Settings) -> None:
    """With the database down, another user's process on its socket asked for passwords in clear."""
    folder = Path("/tmp") / f"edge-{os.getpid()}"  # noqa: S108 - a socket's path is short
    folder.mkdir(mode=0o700)
    heard: list[bytes] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / ".s.PGSQL.5432"))
    listener.listen()

    def ask_in_clear() -> None:
        with suppress(OSError):  # whoever minds has left
            client, _ = listener.accept()
            client.recv(1024)
            client.sendall(b"R\0\0\0\x08\0\0\0\x03")  # AuthenticationCleartextPassword
            heard.append(client.recv(1024))

    thread = threading.Thread(target=ask_in_clear, daemon=True)
    thread.start()
    try:
        url = make_conninfo(database_url(settings, Component.DBT), host=str(folder))
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(url, connect_timeout=5)
        assert b"".join(heard).find(b"p\0\0\0") == -1
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        listener.close()
        (folder / ".s.PGSQL.5432").unlink()
        folder.rmdir()


def test_an_edited_migration_is_noticed(settings: Settings) -> None:
    """Migrations were compared by name alone."""
    edit = "update finance.applied_migrations set sha256 = %s where migration_id like '0007%%'"
    with connect(settings, Component.OWNER) as owner:
        found = owner.execute(
            "select sha256 from finance.applied_migrations where migration_id like '0007%'"
        ).fetchone()
        assert found
        owner.execute(edit, ["another"])
    with pytest.raises(SettleError, match=r"migration 0007\.balances was edited"):
        migrate.prepare_database(settings)
    with connect(settings, Component.OWNER) as owner:
        owner.execute(edit, found)
    migrate.prepare_database(settings)


def test_another_version_changes_no_production_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout without a rule replaced the gate of production before it was refused."""
    production = replace(settings, environment=Environment.PRODUCTION, is_environment_given=True)
    migrate.prepare_database(production)
    query = "select sha256 from finance.applied_functions"
    with connect(settings, Component.OWNER) as owner:
        before = owner.execute(query).fetchall()
    functions = versions.functions_text()
    monkeypatch.setattr(versions, "functions_text", lambda: functions + b"\n-- another")
    with pytest.raises(SettleError, match="this database is production and SETTLE_ENV is dev"):
        migrate.prepare_database(settings)
    with pytest.raises(SettleError, match="run settle db start"):
        migrate.prepare_database(production)
    with connect(settings, Component.OWNER) as owner:
        assert owner.execute(query).fetchall() == before
    migrate.prepare_database(production, is_asked=True)
    monkeypatch.setattr(versions, "functions_text", lambda: functions)
    with pytest.raises(SettleError, match="is older than the database"):
        migrate.prepare_database(production, is_asked=True)
