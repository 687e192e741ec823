"""Every connection that we open looks names up in pg_catalog first, in temporary objects last."""

import re
import time
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text

from orchestrator.config import DAGSTER_URL_VARIABLE, PROJECT_ROOT, Component, Settings
from orchestrator.database.apply import migrations_backend
from orchestrator.database.connection import database_url
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.services.dagster_instance import DATABASE, LOGIN, make_history
from orchestrator.web.event_inserts import EventInserts
from orchestrator.web.portal.links import Link
from orchestrator.web.portal.queries import SellerData
from tests.support.settings import make_settings

PATH = ["pg_catalog", "public", "pg_temp"]
# Who makes its own tables names their schema first; pg_catalog comes before it unnamed.
MIGRATIONS, HISTORY = ["pg_catalog", "finance"], ["pg_catalog", "public"]
# Where the code opens a connection, and by what it is shown here that its path is pinned.
OPENED = {
    "database/connection.py: psycopg.connect(": 2,  # test_hostile_schemas.py: components, people
    "database/apply.py: get_backend(": 1,
    "embedded_postgres/server.py: psycopg.connect(": 1,
    "services/dagster_instance.py: psycopg.connect(": 2,
    "web/event_inserts.py: ConnectionPool(": 1,
    "web/portal/queries.py: ConnectionPool(": 1,
}
SITE = re.compile(r"(psycopg\.connect\(|ConnectionPool\(|get_backend\(|create_engine\()")


def effective(found: tuple[list[str]] | None) -> list[str]:
    return found[0] if found else []


SCHEMAS = "select current_schemas(true)::text[]"


def test_no_connection_is_opened_that_is_not_looked_at_here() -> None:
    folder = PROJECT_ROOT / "orchestrator"
    found: dict[str, int] = {}
    for file in sorted(folder.rglob("*.py")):
        for match in SITE.findall(file.read_text(encoding="utf-8")):
            site = f"{file.relative_to(folder)}: {match}"
            found[site] = found.get(site, 0) + 1
    assert found == OPENED


def test_migrations_look_names_up_in_the_catalog_first(settings: Settings) -> None:
    """The migration tool set its own path, with temporary objects before ours."""
    backend = migrations_backend(settings)
    try:
        cursor = backend.execute("show search_path")
        assert cursor.fetchone() == ("finance, pg_temp",)
        assert effective(backend.execute(SCHEMAS).fetchone()) == MIGRATIONS
        assert backend.execute("select current_user").fetchone() == ("settle_owner",)
        backend.execute("create temporary table installation (only_row boolean)")
        [oid] = backend.execute("select 'installation'::regclass::oid").fetchone()
        [ours] = backend.execute("select 'finance.installation'::regclass::oid").fetchone()
        assert oid == ours
    finally:
        backend.connection.close()


def test_dagsters_programs_look_names_up_in_the_catalog_first(settings: Settings) -> None:
    """They read the URL themselves: the database says it, to the first of them already."""
    variables = make_history(settings)
    engine = create_engine(variables[DAGSTER_URL_VARIABLE])
    with engine.connect() as dagster:
        assert dagster.execute(text("show search_path")).scalar() == "public, pg_temp"
        assert dagster.execute(text(SCHEMAS)).scalar() == HISTORY
        dagster.execute(text("create temporary table runs (run_id text)"))
        temporary = "select relpersistence from pg_class where oid = 'runs'::regclass"
        assert dagster.execute(text(temporary)).scalar() == "p"
    engine.dispose()


def test_a_history_that_was_made_elsewhere_is_pinned_when_a_unit_starts(
    settings: Settings, tmp_path: Path
) -> None:
    make_history(settings)
    server = EmbeddedPostgres(settings.home)
    with psycopg.connect(server.url(Component.OWNER, DATABASE), autocommit=True) as owner:
        owner.execute(f"alter database {DATABASE} reset search_path".encode())
    external = make_settings(
        tmp_path,
        SETTLE_ORCHESTRATOR_URL=database_url(settings, Component.ORCHESTRATOR),
        SETTLE_DAGSTER_URL=server.url(LOGIN, DATABASE),
    )
    make_history(external)
    with psycopg.connect(server.url(LOGIN, DATABASE)) as dagster:
        assert effective(dagster.execute(SCHEMAS).fetchone()) == HISTORY


def test_the_server_is_made_with_names_of_the_catalog_alone(settings: Settings) -> None:
    text_of = (PROJECT_ROOT / "orchestrator" / "embedded_postgres" / "server.py").read_text()
    assert 'options="-c search_path=pg_catalog,pg_temp"' in text_of


@pytest.mark.parametrize("component", [Component.PORTAL, Component.WEBHOOK])
def test_the_pools_of_what_faces_the_internet_are_pinned(
    settings: Settings, component: Component
) -> None:
    """They get this address, with its options; the pages prepare no statement beside it."""
    url = database_url(settings, component)
    assert "search_path=" in url
    pool = SellerData(url)._pool
    assert (pool.conninfo, pool.kwargs) == (url, {"prepare_threshold": None})
    assert EventInserts(url)._pool.conninfo == url
    with psycopg.connect(url) as connection:
        assert effective(connection.execute(SCHEMAS).fetchone()) == PATH[:2]


def test_no_login_holds_up_the_history(settings: Settings) -> None:
    """Any login held the advisory lock that every start of the graph waited for."""
    server = EmbeddedPostgres(settings.home)
    with psycopg.connect(server.url(Component.OWNER, "postgres")) as somebody:
        somebody.execute("select pg_advisory_lock(hashtext('settle.dagster'))")
        make_history(settings)


@pytest.mark.parametrize("database", ["postgres", "template1", DATABASE])
def test_a_login_has_nothing_to_do_in_other_databases(settings: Settings, database: str) -> None:
    """What is closed in ours, advisory locks and large objects, was open to all there."""
    make_history(settings)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(EmbeddedPostgres(settings.home).url("portal", database))


def test_what_a_view_left_in_a_pool_is_gone_for_the_next_page(settings: Settings) -> None:
    """Code in a model may set what the next seller's page reads with."""
    data = SellerData(database_url(settings, Component.PORTAL))
    data.open()
    shown = "select current_setting('search_path'), current_setting('TimeZone')"
    with data._pool.connection() as connection:
        began = connection.execute(shown).fetchone()
        connection.execute("set search_path = dbt_reads; set timezone = 'Pacific/Kiritimati'")
    assert data.receipt(Link("nobody", int(time.time())), "2026-W47") is None
    with data._pool.connection() as connection:
        assert connection.execute(shown).fetchone() == began
    data.close()
