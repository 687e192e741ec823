"""Bring a database to the schema this code expects: roles, migrations, logins, environment."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import psycopg
from psycopg import sql

from orchestrator.config import Component, Environment, Settings
from orchestrator.database import versions
from orchestrator.database.connection import connect
from orchestrator.database.definitions import (
    BY_HAND,
    changed_definitions,
    has_relation,
    refuse_changed_tables,
    some_of,
)
from orchestrator.database.people import password_literal
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError
from orchestrator.project_variables import source_table

MOST_CONNECTIONS = 60  # of one component, of the server's 200: the others go on
COMPONENT_GROUPS = {
    Component.DBT: "settle_dbt",
    Component.ORCHESTRATOR: "settle_orchestrator",
    Component.WEBHOOK: "settle_webhook",
    Component.PORTAL: "settle_portal",
}


def prepare_database(
    settings: Settings, *, is_asked: bool = False, is_emergency: bool = False
) -> None:
    """Start the embedded server if it is the one in use, and apply what is missing.

    Safe to repeat, and cheap: a database that is up to date is only read. With an external server
    whose owner URL is not given, somebody else migrates and nothing happens here. A production
    database is changed only where `is_asked` says that a person wants it: `settle db start`. One
    whose definitions somebody changed serves an emergency alone: payouts are paused in it.
    """
    if settings.is_embedded:
        EmbeddedPostgres(settings.home).start()
    elif Component.OWNER not in settings.urls:
        return
    _prepare(settings, is_asked=is_asked, is_emergency=is_emergency)
    if is_asked:
        with connect(settings, Component.OWNER) as connection:  # anew: with what is set now
            connection.execute((versions.FOLDER / "nodes.sql").read_bytes())
            connection.execute("set local role settle_owner")
            connection.execute("select finance.require_plain_messages()")


def _prepare(settings: Settings, *, is_asked: bool, is_emergency: bool) -> None:
    with connect(settings, Component.OWNER, autocommit=True) as connection:
        # Before anything is applied: another installation's database stays as it is.
        kept = _agree_on_environment(connection, settings)
        changed = changed_definitions(connection)
        if changed and not is_asked:
            if is_emergency:
                return
            raise SettleError(
                f"definitions of this database are not as settle applied them ({some_of(changed)}):"
                " settle pause, find out who changed them, then settle db start applies them again"
            )
        if not changed and versions.is_up_to_date(connection) and kept:
            _keep_environment(connection, settings, kept)
            return
        is_production = Environment.PRODUCTION in (kept, settings.environment)
        if is_production and not is_asked:
            raise SettleError(
                "the database is not at this version, and production changes only when asked:"
                " run settle db start"
            )
        with _one_migration(settings):
            if changed_definitions(connection) or not versions.is_up_to_date(connection):
                if is_production:
                    versions.refuse_older(connection)
                # The same version puts back what it can, and what is left is compared then.
                is_repair = versions.is_this_version(connection)
                if not is_repair:
                    refuse_changed_tables(connection)
                connection.execute((versions.FOLDER / "roles.sql").read_bytes())
                connection.execute((versions.FOLDER / "nodes.sql").read_bytes())
                if settings.is_embedded:
                    _ensure_logins(connection, EmbeddedPostgres(settings.home))
                # A database that is up to date, as nearly every verb finds it, needs no yoyo.
                from orchestrator.database.apply import apply_migrations

                apply_migrations(settings, connection, versions.FOLDER / "migrations")
                _apply_functions(connection, is_repair=is_repair)
            _keep_environment(connection, settings, kept_environment(connection))


@contextmanager
def _one_migration(settings: Settings) -> Iterator[None]:
    """Two processes may arrive at once; the second waits.

    Only the database's owner can hold this lock, unlike an advisory one; the comment is not kept.
    """
    with connect(settings, Component.OWNER) as lock:
        lock.execute("set local lock_timeout = '5min'")
        # On a Citus cluster: the lock is the coordinator's, and the other nodes would wait for it.
        lock.execute("set local citus.enable_ddl_propagation = off")
        name = sql.Identifier(lock.info.dbname)
        lock.execute(sql.SQL("comment on database {} is 'settle migrates'").format(name))
        try:
            yield
        finally:
            lock.rollback()


def make_dbt_schemas(settings: Settings, target: str) -> None:
    """Those of one more target, an analyst's own: dbt may fill schemas and make none.

    Where the owner's URL is not given they must be there; dbt says so otherwise.
    """
    if not settings.is_embedded and Component.OWNER not in settings.urls:
        return
    with connect(settings, Component.OWNER) as connection:
        connection.execute("set local role settle_owner")
        connection.execute("select finance.make_dbt_schemas(%s)", [target])


def set_clock(settings: Settings) -> None:
    """Make the clock show SETTLE_NOW, or the real time where it is unset.

    Unset, it leaves the clock alone while a demo holds it: looking on must not move it.
    """
    if not settings.is_embedded and Component.OWNER not in settings.urls:
        if settings.now:
            raise SettleError("SETTLE_NOW needs SETTLE_DATABASE_URL: only the owner sets the clock")
        return
    if settings.environment is Environment.PRODUCTION:
        return
    with connect(settings, Component.OWNER) as connection:
        if settings.now is None:
            connection.execute(
                "delete from finance.clock where exists (select from finance.locks"
                " where lock_name = 'clock' for update skip locked)"
            )
            return
        try:
            connection.execute(
                "insert into finance.clock (now_at) values (%s::timestamptz)"
                " on conflict (only_row) do update set now_at = excluded.now_at"
                " where clock.now_at <> excluded.now_at",
                [settings.now],
            )
        except psycopg.DataError:
            raise SettleError(
                f"SETTLE_NOW is {settings.now!r}; give an instant like 2026-11-16T00:15:00Z"
            ) from None


def _apply_functions(
    connection: psycopg.Connection[tuple[object, ...]], *, is_repair: bool
) -> None:
    """As settle_owner, all or nothing; they may name each other in any order."""
    functions = versions.functions_text()
    with connection.transaction():
        connection.execute("set local check_function_bodies = off")
        connection.execute("set local role settle_owner")
        connection.execute(functions)
        if is_repair:
            refuse_changed_tables(connection, (*BY_HAND, "grants"))
        connection.execute("select finance.keep_definitions()")
        connection.execute(
            "update finance.installation set sellers_schema = %s, sellers_table = %s",
            source_table("sellers"),
        )
        connection.execute(
            "insert into finance.applied_functions (sha256) values (%s) on conflict (only_row)"
            " do update set sha256 = excluded.sha256, applied_at = excluded.applied_at",
            [versions.version_hash()],
        )
        connection.execute(
            "insert into finance.applied_versions (sha256, version) values (%s, %s)"
            " on conflict do nothing",
            [versions.version_hash(), version("settle")],
        )
        for migration in versions.migration_hashes().items():
            connection.execute(
                "insert into finance.applied_migrations (migration_id, sha256) values (%s, %s)"
                " on conflict do nothing",
                migration,
            )
        connection.execute("reset role")


def _ensure_logins(
    connection: psycopg.Connection[tuple[object, ...]], server: EmbeddedPostgres
) -> None:
    # What is closed to a login in our database is open in the server's others.
    connection.execute("revoke connect on database postgres, template1 from public")
    # dbt connects for each node, hundreds of times in a build. Iterations slow down who guesses;
    # these passwords are 24 random bytes.
    connection.execute("set scram_iterations = 1")
    for component, group in COMPONENT_GROUPS.items():
        if connection.execute(
            "select 1 from pg_roles where rolname = %s", [component.value]
        ).fetchone():
            continue
        connection.execute(
            sql.SQL("create role {} login connection limit {} password {} in role {}").format(
                sql.Identifier(component.value),
                sql.Literal(MOST_CONNECTIONS),
                password_literal(connection, component.value, server.password(component.value)),
                sql.Identifier(group),
            )
        )
    connection.execute("reset scram_iterations")


def kept_environment(connection: psycopg.Connection[tuple[object, ...]]) -> str:
    """What the database says it is for; empty where it was never migrated."""
    if not has_relation(connection, "finance.installation"):
        return ""
    row = connection.execute("select environment from finance.installation").fetchone()
    return str(row[0]) if row else ""


def _agree_on_environment(
    connection: psycopg.Connection[tuple[object, ...]], settings: Settings
) -> str:
    """What the database says it is; production is never left, nor met by chance."""
    kept = kept_environment(connection)
    if kept == Environment.PRODUCTION.value != settings.environment.value:
        raise SettleError(
            f"this database is production and SETTLE_ENV is {settings.environment.value}:"
            " set SETTLE_ENV=production, or use another database"
        )
    return kept


def _keep_environment(
    connection: psycopg.Connection[tuple[object, ...]], settings: Settings, kept: str
) -> None:
    """What SETTLE_ENV says is kept in the database."""
    if settings.is_environment_given and settings.environment.value != kept:
        connection.execute("set role settle_owner")
        connection.execute("select finance.set_environment(%s)", [settings.environment.value])
        connection.execute("reset role")
