"""What dbt makes is never taken for something of ours, whoever runs what."""

import psycopg
import pytest
import yaml
from psycopg import sql

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, connect_as, database_url
from orchestrator.database.people import add_person
from orchestrator.dbt.project import dbt_environment
from tests.support.closed_week import ANALYST, FINANCE, closed_week
from tests.support.settings import SettleHome
from tests.support.shell import ShellInProcess

PATH = "pg_catalog,public,pg_temp"
PASSWORD = "not easy to guess"  # noqa: S105 - of a server that is gone in a minute

# Better matches than ours for what our statements call: they would run as whoever asks.
HOSTILE = """
set role settle_dbt;
create table settlement.fallen (who text);
grant all on settlement.fallen to public;
create function settlement.fell() returns void language plpgsql as $$
begin
    insert into settlement.fallen values (current_user);
end $$;
create function settlement.pg_advisory_lock(integer) returns void language sql
as 'select settlement.fell()';
create function settlement.settle_now() returns timestamptz language sql
as 'select settlement.fell(); select pg_catalog.now()';
create function settlement.times(numeric, integer) returns numeric language sql
as 'select settlement.fell(); select 999999::numeric';
create operator settlement.* (leftarg = numeric, rightarg = integer, function = settlement.times);
create function settlement.text_is(text, text) returns boolean language sql
as 'select settlement.fell(); select true';
create operator settlement.= (leftarg = text, rightarg = text, function = settlement.text_is);
"""


@pytest.fixture(scope="module")
def home(settle_home: SettleHome) -> Settings:
    settings = settle_home("hostile")
    add_person(settings, "ana", PASSWORD, "finance")
    return settings


@pytest.mark.parametrize("component", list(Component))
def test_every_component_pins_its_search_path(home: Settings, component: Component) -> None:
    """A schema named like a login stood in front of ours for that login."""
    with connect(home, component) as connection:
        row = connection.execute("show search_path").fetchone()
    assert row == (PATH,)


def test_a_person_pins_it_and_so_does_a_client_that_is_not_ours(home: Settings) -> None:
    """An operator in schema ana decided what Ana entered; psql is told by the database itself."""
    with connect_as(home, "ana", PASSWORD) as connection:
        assert connection.execute("show search_path").fetchone() == (PATH,)
    with psycopg.connect(
        database_url(home, Component.ORCHESTRATOR), user="ana", password=PASSWORD, options=""
    ) as psql:
        [found] = psql.execute("show search_path").fetchone() or ("",)
        assert found.replace(" ", "") == PATH


def test_dbt_pins_it(home: Settings) -> None:
    """dbt opens connections of its own, from its profile."""
    profile = yaml.safe_load((PROJECT_ROOT / "profiles.yml.example").read_text(encoding="utf-8"))
    outputs = profile["settle"]["outputs"]
    assert {name: output["search_path"] for name, output in outputs.items()} == dict.fromkeys(
        outputs, PATH
    )
    assert dbt_environment(home)["SETTLE_DBT_HOST"].startswith("/")


@pytest.mark.parametrize("name", [*Component, "ana", "settle_owner", "mine"])
def test_dbt_makes_no_schema(home: Settings, name: str) -> None:
    """With a schema named settle_admin the next verb made dbt a superuser."""
    with (
        psycopg.connect(database_url(home, Component.DBT), autocommit=True) as dbt,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        dbt.execute(sql.SQL("create schema {}").format(sql.Identifier(name)))


def test_no_schema_of_dbts_is_renamed_to_a_logins(home: Settings) -> None:
    """What may not be made must not be reached by renaming."""
    with psycopg.connect(database_url(home, Component.DBT), autocommit=True) as dbt:
        dbt.execute("set role settle_dbt")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            dbt.execute("alter schema asof_settlement_seeds rename to ana")


def test_hostile_overloads_are_never_resolved() -> None:
    """An overload with better-matching arguments ran as the owner, a component or a person."""
    week = closed_week()
    settings = week.copy()
    urls = {"SETTLE_DATABASE_URL": database_url(settings, Component.OWNER)}
    names = {"DBT": Component.DBT, "ORCHESTRATOR": Component.ORCHESTRATOR}
    urls |= {f"SETTLE_{n}_URL": database_url(settings, c) for n, c in names.items()}
    settle = ShellInProcess(settings.home, **urls, SETTLE_NOW=settings.now or "")
    with psycopg.connect(database_url(settings, Component.DBT), autocommit=True) as dbt:
        dbt.execute(HOSTILE.encode())
    ana = {"SETTLE_PASSWORD": week.server.password(FINANCE)}
    settle.done("status")
    settle.done("db", "start")
    settle.done("adjust", "enter", "seller-000001", "1.00", "--as", FINANCE, "--note", "n", **ana)
    settle.done("hold", "seller-000002", "--as", FINANCE, "--note", "n", **ana)
    with connect_as(settings, ANALYST, week.server.password(ANALYST)) as analyst:
        analyst.execute("select count(*) from settlement.windows")
    with connect(settings, Component.OWNER) as owner:
        assert owner.execute("select who from settlement.fallen").fetchall() == []
        found = owner.execute("select max(amount_minor) from finance.adjustments").fetchone()
    assert found == (100,)
