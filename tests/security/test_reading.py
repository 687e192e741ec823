"""Code that hides in a view runs with the rights of whoever reads it; it must not be able to write.

Finance, components and Dagster read what dbt builds in transactions that cannot write.
"""

import pytest

from orchestrator.cli.review import read_review
from orchestrator.config import Component, Settings
from orchestrator.database import connection
from orchestrator.database.connection import connect, rows_of, rows_of_all
from orchestrator.defs.approval_sensor import read_standing
from orchestrator.defs.checks import read_checks
from orchestrator.defs.metadata import close_report
from orchestrator.defs.sensors import why_no_close
from orchestrator.settlement.close import store_closes
from tests.support.closed_week import WINDOW, closed_week

LURK = """
create function settlement.lurk() returns boolean language plpgsql as $$
begin
    perform finance.raise_alert('lurking', current_user, 'hidden in a view');
    return true;
exception when others then
    return true;
end;
$$;
grant execute on function settlement.lurk() to public;
"""
# Every relation that anybody reads by its name, as a view over what was built.
HIDE = """
do $$
declare
    relation record;
begin
    for relation in
        select c.relname as name, c.relkind from pg_class as c
        where c.relnamespace = 'settlement'::regnamespace and c.relkind in ('r', 'v')
    loop
        execute format('alter %s settlement.%I rename to %I',
            case relation.relkind when 'r' then 'table' else 'view' end,
            relation.name, relation.name || '_built');
        execute format('create view settlement.%I as select * from settlement.%I'
            ' where settlement.lurk() offset 0', relation.name, relation.name || '_built');
        execute format('grant select on settlement.%I to settle_orchestrator, settle_analyst',
            relation.name);
    end loop;
end;
$$;
"""
ALERTS = "select count(*) from finance.alerts where kind = 'lurking'"


@pytest.fixture(scope="module")
def lurking() -> Settings:
    """A closed week in whose every public view a function lurks."""
    settings = closed_week().copy()
    with connect(settings, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute(LURK)
        dbt.execute(HIDE)
    return settings


def alerts(settings: Settings) -> int:
    with connect(settings, Component.OWNER) as owner:
        [(count,)] = owner.execute(ALERTS)
    return int(count)


def test_the_function_would_write_where_it_could(lurking: Settings) -> None:
    with connect(lurking, Component.ORCHESTRATOR) as database:
        database.execute("select * from settlement.windows").fetchall()
        assert database.execute(ALERTS).fetchall() != [(0,)]
        database.rollback()


def test_reviews_sensors_and_reports_leave_nothing_behind(lurking: Settings) -> None:
    assert read_review(lurking, WINDOW)["digest"]
    assert read_checks(lurking, WINDOW)
    assert close_report(lurking, WINDOW)["digest"]
    assert why_no_close(lurking, WINDOW)
    assert read_standing(lurking).window == WINDOW
    assert store_closes(lurking, WINDOW).stored == ()
    assert alerts(lurking) == 0


def test_what_dbt_builds_is_refused_to_a_connection_that_may_write(lurking: Settings) -> None:
    with (
        connect(lurking, Component.ORCHESTRATOR) as database,
        pytest.raises(RuntimeError, match="window/review reads what dbt builds"),
    ):
        rows_of(database, "window/review", window=WINDOW)


LEAVE = """
select
    set_config('search_path', 'settlement, pg_catalog', false),
    set_config('TimeZone', 'Pacific/Kiritimati', false),
    set_config('standard_conforming_strings', 'off', false),
    set_config('transform_null_equals', 'on', false),
    set_config('datestyle', 'SQL, DMY', false)
"""
LEFT = """
select current_setting('search_path'), current_setting('TimeZone'),
    current_setting('standard_conforming_strings'), current_setting('transform_null_equals'),
    current_setting('datestyle')
"""


def test_what_a_view_left_in_the_session_is_gone_for_the_next_query(lurking: Settings) -> None:
    """Another path, zone or statement under a name of ours would change what people are shown."""
    with connect(lurking, Component.ORCHESTRATOR, is_read_only=True) as database:
        assert database.prepare_threshold is None
        began = database.execute(LEFT).fetchone()
        assert began
        assert began[0] == "pg_catalog,public,pg_temp"
        for together in (False, True):
            database.execute(LEAVE)
            assert database.execute(LEFT).fetchone() != began
            if together:
                rows_of_all(database, {"pause": "reconciliation/pause"})
            else:
                rows_of(database, "reconciliation/pause")
            assert database.execute(LEFT).fetchone() == began
            assert database.execute("show transaction_read_only").fetchone() == ("on",)


def test_forgetting_it_is_noticed(lurking: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "set local search_path = pg_catalog, public, pg_temp"
    monkeypatch.setattr(connection, "AS_IT_BEGAN", path)
    with pytest.raises(AssertionError):
        test_what_a_view_left_in_the_session_is_gone_for_the_next_query(lurking)
