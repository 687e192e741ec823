"""A copy of production's database, for a trial or an investigation: it never pays."""

import psycopg

from orchestrator.config import Component, Environment, Settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import kept_environment
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError

# Whoever works on the real one is connected all the time; nobody works on a copy yet.
CONNECTED = """
select a.usename from pg_stat_activity as a
inner join pg_roles as g on g.rolname in (
    'settle_orchestrator', 'settle_webhook', 'settle_portal', 'settle_dbt', 'settle_marketplace'
)
inner join pg_auth_members as m on m.roleid = g.oid and m.member = a.usesysid
where a.datname = current_database()
order by 1 limit 1
"""
MADE_BEFORE = "select 1 from pg_proc where oid = to_regprocedure('finance.declare_copy()')"


def declare_copy(settings: Settings, named: str) -> str:
    """Make the database a copy for good; returns the id of the installation it is a copy of.

    `named` is the database that whoever asks means, as SERVER/DATABASE: nothing in a copy tells it
    from the original. Raises SettleError where it is another one, no production, or in use.
    """
    if settings.is_embedded:
        EmbeddedPostgres(settings.home).start()
    elif Component.OWNER not in settings.urls:
        raise SettleError("SETTLE_DATABASE_URL is not set: only the owner declares a copy")
    with connect(settings, Component.OWNER) as connection:
        environment = kept_environment(connection)
        name = _name(settings, connection)
        if environment != Environment.PRODUCTION:
            raise SettleError(f"{name} is not production ({environment or 'empty'}): nothing to do")
        if named != name:
            raise SettleError(
                f"{name} is production, and would never pay again: if it is the copy and not the"
                f" original, run settle db declare-copy {name}"
            )
        user = connection.execute(CONNECTED).fetchone()
        if user:
            raise SettleError(
                f"{name} is in use ({user[0]} is connected), as the original is: stop the services"
                " of the copy first"
            )
        if not connection.execute(MADE_BEFORE).fetchone():
            raise SettleError(
                f"{name} was made by another version of settle: run settle db start with"
                " SETTLE_ENV=production first"
            )
        connection.execute("set local role settle_owner")
        [found] = connection.execute("select finance.declare_copy()").fetchone() or ("",)
        return str(found)


def _name(settings: Settings, connection: psycopg.Connection[tuple[object, ...]]) -> str:
    server = "embedded" if settings.is_embedded else connection.info.host
    return f"{server}/{connection.info.dbname}"
