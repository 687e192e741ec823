"""Who decides reads nothing that dbt builds, and whoever reads it can decide nothing.

Code in a view has the rights of the session that reads it, whatever that session is about to do.
"""

from contextlib import suppress

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as
from orchestrator.database.people import add_person, reading_login, remove_person
from orchestrator.errors import SettleError
from orchestrator.web.desk.connections import Readers
from orchestrator.web.desk.queries import HOME
from orchestrator.web.desk.sessions import Sessions
from tests.support.closed_week import FINANCE, WINDOW, closed_week

READER = reading_login(FINANCE)
# What code in a view would try with the rights of whoever reads it, in a session that may write.
TRIES = (
    f"alter role {FINANCE} password 'known'",
    f"alter role {FINANCE} set search_path = settlement",
    f"set role {FINANCE}",
    "set role settle_finance",
    "set role settle_owner",
    f"set session authorization {FINANCE}",
    f"select set_config('role', '{FINANCE}', false)",
    f"select set_config('session_authorization', '{FINANCE}', false)",
    "reset session authorization; select finance.pause_payouts('lurking')",
    f"grant settle_finance to {READER}",
    "select finance.pause_payouts('lurking')",
    f"select finance.approve('{WINDOW}', 'x')",
    f"select finance.freeze_batch('{WINDOW}')",
    "create temporary table pauses (note text)",
    "create event trigger lurk on ddl_command_start execute function settlement.lurk()",
    "create extension dblink",
    "create foreign data wrapper lurk",
    "create subscription lurk connection 'x' publication x",
    "select pg_advisory_lock(1)",
    "select lo_create(0)",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = session_user",
    "select pg_cancel_backend(pg_backend_pid())",
    "select pg_logical_emit_message(false, 'x', 'x')",
    "copy (select 1) to program 'id'",
    "insert into halfin.webhook_events (signature, body) values ('x', 'x')",
    "insert into finance.pauses (note) values ('lurking')",
)
LURK = """
create function settlement.lurk() returns text language plpgsql as $lurk$
declare
    v_try text;
    v_done text[] := '{}';
begin
    foreach v_try in array %s::text[] loop
        begin
            execute v_try;
            v_done := v_done || v_try;
        exception when others then null;
        end;
    end loop;
    return array_to_string(v_done, ';') || session_user;
end $lurk$;
create view settlement.lurking as select settlement.lurk() as done;
grant execute on function settlement.lurk() to public;
grant select on settlement.lurking to public;
"""


@pytest.fixture(scope="module")
def settings() -> Settings:
    copy = closed_week().copy()
    tries = "array[" + ", ".join(f"$t${one}$t$" for one in TRIES) + "]"
    with connect(copy, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute((LURK % tries).encode())
    return copy


def password() -> str:
    return closed_week().server.password(FINANCE)


def test_who_decides_reads_nothing_that_dbt_builds(settings: Settings) -> None:
    with connect_as(settings, FINANCE, password()) as ana:
        for query in ("select * from settlement.lurking", "select settlement.lurk()"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="schema settlement"):
                ana.execute(query.encode())
            ana.rollback()


@pytest.mark.parametrize(
    "opening",
    [
        "grant usage on schema settlement to settle_finance",
        f"grant usage on schema settlement to {FINANCE}, public",
        f"alter schema settlement owner to {FINANCE}",
        f"create schema lent authorization {FINANCE}",
        f"grant settle_dbt to {FINANCE}",
        f"alter default privileges grant usage on schemas to {FINANCE}; create schema lent",
    ],
)
def test_dbt_lets_nobody_who_decides_into_its_schemas(settings: Settings, opening: str) -> None:
    with (
        connect(settings, Component.DBT) as dbt,
        # A grant of what one may not grant is a warning alone.
        suppress(psycopg.errors.InsufficientPrivilege),
    ):
        dbt.execute("set role settle_dbt")
        dbt.execute(opening.encode())
    test_who_decides_reads_nothing_that_dbt_builds(settings)
    with connect(settings, Component.OWNER) as owner:
        made = owner.execute("select from pg_namespace where nspname = 'lent'").fetchall()
        let_in = owner.execute(
            "select from pg_namespace where has_schema_privilege('settle_dbt', oid, 'create')"
            " and has_schema_privilege(%s, oid, 'usage')",
            [FINANCE],
        ).fetchall()
    assert (made, let_in) == ([], [])


def test_code_in_a_view_can_do_nothing_as_who_reads_it(settings: Settings) -> None:
    with connect_as(settings, READER, password()) as reader:
        for mode in ("on", "off"):
            reader.execute(f"set default_transaction_read_only = {mode}".encode())
            reader.commit()
            [(done,)] = reader.execute("select done from settlement.lurking").fetchall()
            reader.commit()
            assert done == READER
    with connect_as(settings, FINANCE, password()) as ana:
        assert ana.execute("show search_path").fetchone() == ("pg_catalog,public,pg_temp",)


def test_a_reading_login_writes_only_where_it_says_so(settings: Settings) -> None:
    """Its own password is not changed by chance either."""
    with (
        connect_as(settings, READER, password()) as reader,
        pytest.raises(psycopg.errors.ReadOnlySqlTransaction),
    ):
        reader.execute(f"alter role {READER} password 'known'".encode())


@pytest.mark.parametrize("group", ["analyst", "finance"])
def test_a_new_password_ends_what_a_view_has_set_for_a_login(
    settings: Settings, group: str
) -> None:
    """An analyst's sessions could write: a view set their path, and they were promoted later."""
    name = f"ivo_{group}"
    add_person(settings, name, "a first password", "analyst")
    change = f"alter role {name} {{}}set search_path = settlement, pg_catalog"
    with connect_as(settings, name, "a first password") as ivo:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            ivo.execute(change.format("").encode())
        ivo.rollback()
        ivo.execute("set default_transaction_read_only = off")
        ivo.commit()
        for place in ("", f"in database {ivo.info.dbname} "):
            ivo.execute(change.format(place).encode())
    add_person(settings, name, "a second password", group)
    with connect(settings, Component.OWNER) as owner:
        found = owner.execute(
            "select s.setdatabase <> 0, c from pg_db_role_setting as s"
            " cross join unnest(s.setconfig) as c where s.setrole = %s::regrole",
            [name],
        ).fetchall()
    remove_person(settings, name)
    assert [setting for is_there, setting in found if is_there or "path" in setting] == []
    assert ((False, "default_transaction_read_only=on") in found) is (group == "analyst")


def test_the_console_reads_with_the_login_that_only_reads(settings: Settings) -> None:
    sessions, readers = Sessions(), Readers(settings)
    session = sessions.find(sessions.begin(FINANCE, password(), may_decide=True))
    assert session
    shown = {"window": None, "all": False, "limit": 5, "reason": None}
    assert readers.read(session, HOME, **shown)["windows"]
    with connect(settings, Component.OWNER) as owner:
        found = owner.execute(
            "select usename from pg_stat_activity where datname = current_database()"
            " and usename = any(%s)",
            [[FINANCE, READER]],
        ).fetchall()
    readers.close()
    assert found == [(READER,)]


def test_both_logins_get_the_new_password_and_both_leave(settings: Settings) -> None:
    names = ("gil", reading_login("gil"))
    for given in ("a first password", "a second password"):
        add_person(settings, "gil", given, "finance")
        for name in names:
            with connect_as(settings, name, given) as person:
                assert person.execute("select session_user").fetchone() == (name,)
    add_person(settings, "gil", "a third password", "analyst")
    for name in names:
        with connect_as(settings, name, "a third password"):
            pass
    remove_person(settings, "gil")
    for name in names:
        with (
            pytest.raises(SettleError, match="unknown, or the password is wrong"),
            connect_as(settings, name, "a third password"),
        ):
            pass


def test_a_reading_login_comes_and_goes_with_its_person(settings: Settings) -> None:
    with pytest.raises(SettleError, match="'hal_reads' belongs to the system"):
        add_person(settings, "hal_reads", "a long password", "finance")
    with pytest.raises(SettleError, match=f"own login: settle user remove {FINANCE}"):
        remove_person(settings, READER)


def test_the_closing_can_fail(settings: Settings) -> None:
    """An owner who opens dbt's schemas to finance: the test above notices."""
    opening = "{} usage on schema settlement {} settle_finance"
    with connect(settings, Component.OWNER) as owner:
        owner.execute(opening.format("grant", "to").encode())
    try:
        with pytest.raises(pytest.fail.Exception):
            test_who_decides_reads_nothing_that_dbt_builds(settings)
    finally:
        with connect(settings, Component.OWNER) as owner:
            owner.execute(opening.format("revoke", "from").encode())
