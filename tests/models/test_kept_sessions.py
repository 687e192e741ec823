"""Nodes of a build share sessions of the server, and nothing else."""

from collections.abc import Iterator
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest
from dbt.adapters.postgres.connections import PostgresCredentials

from orchestrator.config import Component, Settings
from orchestrator.database.connection import SEARCH_PATH, connect
from orchestrator.dbt.project import dbt_environment
from orchestrator.dbt.sessions import KeptSessions

LEFT_BEHIND = """
create temporary table left_behind (a integer);
prepare left_behind as select 1;
listen left_behind;
set search_path = public;
set datestyle = 'German';
set synchronous_commit = on;
set settle.left_behind = 'here';
reset role;
commit
"""
FOUND = """
select
    current_user,
    current_setting('search_path'),
    current_setting('datestyle'),
    current_setting('synchronous_commit'),
    coalesce(current_setting('settle.left_behind', true), ''),
    to_regclass('pg_temp.left_behind'),
    (select count(*) from pg_prepared_statements),
    (select count(*) from pg_listening_channels())
"""
CLEAN = ("settle_dbt", SEARCH_PATH, "ISO, MDY", "off", "", None, 0, 0)


@pytest.fixture
def sessions(settings: Settings) -> Iterator[KeptSessions]:
    place = dbt_environment(settings)
    credentials = PostgresCredentials(
        database=place["SETTLE_DBT_DBNAME"],
        schema="settlement",
        host=place["SETTLE_DBT_HOST"],
        port=int(place.get("SETTLE_DBT_PORT", 5432)),
        user=place["SETTLE_DBT_USER"],
        password=place["DBT_ENV_SECRET_SETTLE_PASSWORD"],
        role="settle_dbt",
        search_path=SEARCH_PATH,
    )
    profile: Any = SimpleNamespace(credentials=credentials, query_comment=None)
    sessions = KeptSessions(profile, get_context("spawn"))
    yield sessions
    sessions.cleanup_all()


def ask(sessions: KeptSessions, node: str, query: str) -> tuple[Any, ...]:
    """What the first row is, for a node of that name, which ends without a commit."""
    sessions.set_connection_name(node)
    _, cursor = sessions.add_query(query)
    row: tuple[Any, ...] = cursor.fetchone() if cursor.description else ()
    sessions.release()
    return row


def test_the_next_node_has_the_session_and_nothing_that_was_left_in_it(
    sessions: KeptSessions,
) -> None:
    [first] = ask(sessions, "one", "select pg_backend_pid()")
    sessions.set_connection_name("two")
    _, cursor = sessions.add_query(LEFT_BEHIND)
    cursor.execute(FOUND)
    assert all(now != clean for now, clean in zip(cursor.fetchone(), CLEAN, strict=True))
    sessions.release()
    assert ask(sessions, "three", FOUND) == CLEAN
    assert ask(sessions, "four", "select pg_backend_pid()") == (first,)


def test_what_a_node_did_not_commit_is_undone(sessions: KeptSessions) -> None:
    ask(sessions, "one", "create table settlement.undone (a integer)")
    assert ask(sessions, "two", "select to_regclass('settlement.undone')") == (None,)


def test_a_session_that_was_ended_is_not_kept(sessions: KeptSessions, settings: Settings) -> None:
    sessions.set_connection_name("one")
    _, cursor = sessions.add_query("select pg_backend_pid()")
    [lost] = cursor.fetchone()
    with connect(settings, Component.OWNER) as owner:
        owner.execute("select pg_terminate_backend(%s, 5000)", [lost])
    with pytest.raises(psycopg2.OperationalError):
        cursor.execute("select 1")
    sessions.release()
    assert ask(sessions, "two", "select pg_backend_pid()") != (lost,)


def test_at_the_end_none_is_open(sessions: KeptSessions, settings: Settings) -> None:
    [pid] = ask(sessions, "one", "select pg_backend_pid()")
    sessions.cleanup_all()
    with connect(settings, Component.OWNER) as owner:
        owner.execute("select pg_sleep(0.1)")
        found = owner.execute("select from pg_stat_activity where pid = %s", [pid]).fetchall()
    assert found == []
