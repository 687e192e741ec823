"""What every login may do on a whole installation, from the catalog, as one table.

A new grant, schema, membership or attribute fails here until it is written down. Functions are
listed by name in test_grants.py; here it counts in which schemas there is one to call.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.database.people import add_person, reading_login
from tests.support.closed_week import ANALYST, FINANCE, WINDOW, closed_week

STRANGER = "stranger_of_access"  # a login of no group, let in by somebody's mistake
BACKEND = "backend_of_access"
READER = reading_login(FINANCE)
LOGINS = (
    *("dbt", "orchestrator", "webhook", "portal", FINANCE, READER, ANALYST, BACKEND),
    *("dagster", STRANGER),
)
WATCHED = ("finance", "halfin", "marketplace", "portal", "public", "dbt_reads", "handover")
PARTS = ("core", "history", "seeds", "staging")
BUILT = ("settlement", *(f"settlement_{part}" for part in PARTS))
# Made for dbt and still empty: what it builds as of an instant.
AS_OF = ("asof_settlement", "asof_base_settlement", "asof_backtest", "asof_backtest_2")
EMPTY = [
    *AS_OF,
    *(f"{schema}_{part}" for schema in AS_OF for part in PARTS),
]
ALL_OF_A_TABLE = "SELECT INSERT UPDATE DELETE TRUNCATE REFERENCES TRIGGER MAINTAIN"

READS = {
    "database": "CONNECT",
    "finance halfin marketplace": "USAGE SELECT",
    "settlement settlement_core settlement_history settlement_seeds settlement_staging": (
        "USAGE SELECT"
    ),
    " ".join(EMPTY): "USAGE",
    "handover": "USAGE",
    "handover.reserve_policies": "SELECT",
    "handover.window_checks": "SELECT",
    "handover.windows": "SELECT",
}
# Per login and schema: what it may do there, on every relation unless one is named.
MAY: dict[str, dict[str, str]] = {
    "dbt": {
        "database": "CONNECT TEMPORARY",
        "finance halfin marketplace": "USAGE SELECT",
        " ".join(BUILT): f"USAGE CREATE {ALL_OF_A_TABLE}",
        " ".join(EMPTY): "USAGE CREATE",
        "handover": "USAGE SELECT INSERT",
        **dict.fromkeys(
            (f"handover.close_{large}" for large in ("rows", "entries", "facts", "health")),
            "TRUNCATE",
        ),
        "finance()": "EXECUTE",
    },
    "orchestrator": {
        **READS,
        "finance.wallet_checks": "INSERT",
        "finance.backtests(document)": "INSERT",
        "finance()": "EXECUTE",
    },
    "webhook": {
        "database": "CONNECT",
        "halfin": "USAGE",
        "halfin.webhook_events(signature, body)": "INSERT",
    },
    "portal": {
        "database": "CONNECT",
        "portal dbt_reads": "USAGE",
        "portal()": "EXECUTE",
        "dbt_reads()": "EXECUTE",
    },
    # Who decides reads nothing that dbt builds; for that there is a second login.
    FINANCE: {
        **{place: word for place, word in READS.items() if "settlement" not in place},
        "finance()": "EXECUTE",
    },
    READER: {**READS, "finance()": "EXECUTE"},
    ANALYST: {**READS, "finance()": "EXECUTE"},
    BACKEND: {
        "database": "CONNECT",
        "marketplace": "USAGE SELECT",
        "marketplace.sellers": "INSERT",
        "marketplace.sellers(display_name, region, fast_settlement, wallet_address, status,"
        " payouts_enabled, created_at, updated_at, payout_schedule, payout_minimum)": "UPDATE",
        # Which transaction wrote a fact is the database's word.
        "marketplace.orders(order_id, checkout_id, seller_id, currency, gross_amount,"
        " exchange_rate, ordered_at, recorded_at)": "INSERT",
        "marketplace.order_fees(fee_id, order_id, seller_id, fee_type, amount, charged_at,"
        " recorded_at)": "INSERT",
        "marketplace.refunds(refund_id, order_id, seller_id, amount, refunded_at, recorded_at,"
        " reason, reverses_refund_id)": "INSERT",
        "marketplace.dispute_events(dispute_event_id, dispute_id, order_id, seller_id, event_type,"
        " amount, occurred_at, recorded_at)": "INSERT",
        "marketplace.seller_charges(charge_id, seller_id, charge_type, amount, charged_at,"
        " recorded_at, note)": "INSERT",
    },
    "dagster": {},
    STRANGER: {"database": "CONNECT"},
}
EVERYBODY = {"public": "USAGE", "public()": "EXECUTE"}  # the clock

RELATIONS = """
select
    l.login, n.nspname as schema, c.relname as relation, p.privilege,
    has_table_privilege(l.login, c.oid, p.privilege) as is_whole,
    coalesce((
        select string_agg(a.attname, ', ' order by a.attnum) from pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            and p.privilege in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
            and has_column_privilege(l.login, c.oid, a.attnum, p.privilege)
    ), '') as columns
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
cross join unnest(%(logins)s::text[]) as l (login)
cross join unnest(string_to_array(%(privileges)s, ' ')) as p (privilege)
where c.relkind in ('r', 'v', 'm', 'p', 'f') and n.nspname = any(%(schemas)s)
"""
SEQUENCES = """
select l.login, c.oid::regclass::text as sequence from pg_class as c
cross join unnest(%(logins)s::text[]) as l (login)
where c.relkind = 'S' and c.relnamespace::regnamespace::text = any(%(schemas)s)
    and has_sequence_privilege(l.login, c.oid, 'USAGE, SELECT, UPDATE')
"""
SCHEMAS = """
select l.login, n.nspname as schema, p.privilege from pg_namespace as n
cross join unnest(%(logins)s::text[]) as l (login)
cross join unnest('{USAGE,CREATE}'::text[]) as p (privilege)
where n.nspname = any(%(schemas)s) and has_schema_privilege(l.login, n.oid, p.privilege)
union all
select l.login, 'database', p.privilege
from unnest(%(logins)s::text[]) as l (login)
cross join unnest('{CONNECT,CREATE,TEMPORARY}'::text[]) as p (privilege)
where has_database_privilege(l.login, current_database(), p.privilege)
"""
FUNCTIONS = """
select distinct l.login, n.nspname as schema from pg_proc as p
inner join pg_namespace as n on p.pronamespace = n.oid
cross join unnest(%(logins)s::text[]) as l (login)
where n.nspname = any(%(schemas)s) and has_function_privilege(l.login, p.oid, 'execute')
    and has_schema_privilege(l.login, n.oid, 'usage')
"""


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    copy = closed_week().copy()
    with connect(copy, Component.OWNER, autocommit=True) as owner:
        owner.execute(f"create role {STRANGER} login".encode())
        owner.execute(
            f"do $$ begin execute format('grant connect on database %I to {STRANGER}',"
            " current_database()); end $$".encode()
        )
        password = closed_week().server.password(BACKEND)
        add_person(copy, BACKEND, password, "marketplace")
        yield copy
        for login in (STRANGER, BACKEND):
            owner.execute(f"drop owned by {login}".encode())
            owner.execute(f"drop role {login}".encode())


def ask(settings: Settings, query: str) -> list[dict[str, Any]]:
    named = {
        "logins": list(LOGINS),
        "schemas": [*WATCHED, *BUILT, *EMPTY],
        "privileges": ALL_OF_A_TABLE,
    }
    with connect(settings, Component.OWNER) as owner:
        return owner.cursor(row_factory=dict_row).execute(query.encode(), named).fetchall()


def test_every_right_of_every_login_is_written_down(settings: Settings) -> None:
    expected = {
        (login, place, word)
        for login, rights in MAY.items()
        for places, words in (rights | EVERYBODY).items()
        for place in ([places] if "(" in places else places.split())
        for word in ([words] if "()" in places else words.split())
    }
    found = {(r["login"], r["schema"], r["privilege"]) for r in ask(settings, SCHEMAS)}
    found |= {(r["login"], f"{r['schema']}()", "EXECUTE") for r in ask(settings, FUNCTIONS)}
    of_relations: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    relations: dict[str, set[str]] = defaultdict(set)
    for row in ask(settings, RELATIONS):
        relations[row["schema"]].add(row["relation"])
        name = row["relation"] if row["is_whole"] else f"{row['relation']}({row['columns']})"
        if row["is_whole"] or row["columns"]:
            of_relations[row["login"], row["schema"], row["privilege"]].add(name)
    for (login, schema, privilege), names in of_relations.items():
        if names == relations[schema]:
            found.add((login, schema, privilege))
        else:
            found |= {(login, f"{schema}.{name}", privilege) for name in names}
    assert sorted(found - expected) == []
    assert sorted(expected - found) == []
    assert ask(settings, SEQUENCES) == []


def test_no_schema_is_left_out(settings: Settings) -> None:
    schemas = ask(
        settings,
        "select nspname from pg_namespace where nspname not in ('pg_catalog', 'information_schema')"
        " and nspname !~ '^pg_(toast|temp)'",
    )
    assert {row["nspname"] for row in schemas} == {*WATCHED, *BUILT, *EMPTY}


def test_no_login_has_an_attribute_or_a_role_of_the_systems(settings: Settings) -> None:
    rights = ask(
        settings,
        "select r.rolname, rolsuper or rolcreaterole or rolcreatedb or rolreplication"
        " or rolbypassrls as is_special,"
        " (select array_agg(g.rolname::text order by g.rolname) from pg_roles as g"
        " where g.oid <> r.oid and pg_has_role(r.oid, g.oid, 'member')) as groups"
        " from pg_roles as r where r.rolname = any(%(logins)s)",
    )
    groups = {row["rolname"]: row["groups"] for row in rights}
    assert not any(row["is_special"] for row in rights)
    assert groups == {
        **{name: [f"settle_{name}"] for name in ("dbt", "orchestrator", "webhook", "portal")},
        **{FINANCE: ["settle_finance"], READER: ["settle_analyst"], ANALYST: ["settle_analyst"]},
        BACKEND: ["settle_marketplace"],
        **{"dagster": None, STRANGER: None},
    }
    # The groups themselves are in no other, but for the one that reads what dbt built.
    nested = ask(
        settings,
        "select m.member::regrole::text as member, m.roleid::regrole::text as role"
        " from pg_auth_members as m where m.member::regrole::text like 'settle\\_%%'"
        " and m.member::regrole::text <> 'settle_admin'",
    )
    assert nested == [{"member": "settle_reader", "role": "settle_dbt"}]


def test_no_login_may_call_what_postgres_keeps_for_itself(settings: Settings) -> None:
    """Files, programs, other sessions' settings, large objects of the server: not for anybody."""
    kept = ask(
        settings,
        "select l.login, p.oid::regprocedure::text as name from pg_proc as p"
        " cross join unnest(%(logins)s::text[]) as l (login)"
        " where p.pronamespace = 'pg_catalog'::regnamespace and exists ("
        " select from pg_proc as k where k.oid = p.oid and k.proacl is not null"
        " and not exists (select from aclexplode(k.proacl) as a where a.grantee = 0))"
        " and has_function_privilege(l.login, p.oid, 'execute')",
    )
    assert kept == []
    assert ask(settings, "select extname from pg_extension") == [{"extname": "plpgsql"}]
    for catalog in ("pg_foreign_server", "pg_foreign_data_wrapper", "pg_parameter_acl"):
        assert ask(settings, f"select * from {catalog}") == []


EVERY = [
    "copy (select 1) to program 'id'",
    "copy finance.alerts to '/tmp/settle-stolen'",
    "select pg_read_file('postgresql.conf')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/hostname')",
    "select lo_export(1, '/tmp/settle-stolen')",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'settle_admin'",
    "select rolpassword from pg_authid",
    "create function public.mine() returns int language sql as 'select 1'",
    "create function finance.mine() returns int language sql as 'select 1'",
    "create table pg_catalog.mine ()",
    "alter role settle_finance superuser",
    "alter role settle_admin password 'x'",
    "grant settle_finance to current_user",
    "set role settle_owner",
    "set session authorization settle_admin",
    "set session_replication_role = replica",
    "alter system set log_statement = 'all'",
    "alter table finance.payout_lines disable trigger all",
    "drop trigger read_event on halfin.webhook_events",
    "alter database postgres rename to mine",
]


TOLD = "create function settlement.told(pg_catalog.text) returns boolean language plpgsql as $$"
SHADOWS = (
    f"{TOLD} begin raise notice '%', current_user; return true; end $$",
    *(
        f"create domain pg_temp.{kind} as pg_catalog.{kind}"
        " check (settlement.told(value::pg_catalog.text))"
        for kind in ("text", "jsonb", "timestamptz")
    ),
    "create temporary table clock (only_row boolean, now_at pg_catalog.timestamptz)",
    "insert into pg_temp.clock values (true, '1999-01-01Z')",
    "create temporary table policies (like finance.policies)",
    "create temporary table pg_roles (rolname pg_catalog.text, rolsuper boolean)",
    "create function pg_temp.now() returns pg_catalog.timestamptz language sql as"
    " $$ select '1999-01-01Z'::pg_catalog.timestamptz $$",
)


@pytest.mark.parametrize("login", LOGINS[:-2])
def test_what_nobody_may_do(settings: Settings, login: str) -> None:
    url = settings.urls[Component.ORCHESTRATOR]
    password = closed_week().server.password(FINANCE if login == READER else login)
    with psycopg.connect(url, user=login, password=password, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        for query in EVERY:
            with pytest.raises(psycopg.Error) as refused:
                connection.execute(query.encode())
            assert refused.value.sqlstate == "42501", (query, refused.value)


def test_a_name_in_front_of_ours_is_not_taken_by_the_owners_functions(settings: Settings) -> None:
    """Temporary relations, functions and types of the caller's, named as what the owner runs.

    A domain named text whose check is a function of the caller's would run it as the owner.
    """
    password, url = closed_week().server.password("dbt"), settings.urls[Component.DBT]
    asked = (
        f"select finance.payable('{WINDOW}')",
        f"select * from finance.payout_obstacles('{WINDOW}')",
        f"select finance.funding('{WINDOW}')",
        f"select finance.receipt('{WINDOW}', 'seller-000001')",
        "select finance.begin_build('asof_x', now(), 'x'), finance.complete_build('asof_x', 'x')",
    )
    clocks = "select public.settle_now(), finance.policy('maximum_line', '')"
    with psycopg.connect(url, user="dbt", password=password, autocommit=True) as caller:
        ran_as: set[str] = set()
        caller.add_notice_handler(lambda said: ran_as.add(said.message_primary or ""))
        before = caller.execute(clocks.encode()).fetchall()
        for query in SHADOWS:
            caller.execute(query.encode())
        caller.execute("select 'x'::pg_temp.text")
        assert ran_as == {"dbt"}  # it would be told here
        for query in asked:
            caller.execute(query.encode())
        caller.execute("set search_path = pg_temp, finance, public, pg_catalog")
        assert caller.execute(clocks.encode()).fetchall() == before
        for query in asked:
            caller.execute(query.replace("now()", "pg_catalog.now()").encode())
        assert ran_as == {"dbt"}
