"""Migrations: applied in order, as the owner, past views of dbt's that read what they change."""

import logging
from pathlib import Path

import psycopg
import yoyo
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from yoyo.connections import DatabaseURI

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url, sql_file

# A column that a view reads keeps its type, and is not dropped.
IN_THE_WAY = (psycopg.errors.DependentObjectsStillExist, psycopg.errors.FeatureNotSupported)
LOCK_TIMEOUT = "1min"
# Of the version before; a new database has no such function yet.
KEEP_DEFINITIONS = """
do $$
begin
    if to_regprocedure('finance.keep_definitions()') is not null then
        perform finance.keep_definitions();
    end if;
end;
$$
"""
log = logging.getLogger(__name__)


def apply_migrations(
    settings: Settings, connection: psycopg.Connection[tuple[object, ...]], folder: Path
) -> None:
    """Apply those of a folder that the database lacks, all or none of them.

    Where views of dbt's stand in the way they are dropped and the migration is applied again: a
    build makes them. A lock is waited for a minute, so that readers in turn do not wait for us.
    """
    try:
        _apply(settings, folder)
    except IN_THE_WAY:
        views = connection.execute(sql_file("dependent_views", Path(__file__).parent)).fetchall()
        if not views:
            raise
        names = [sql.Identifier(str(schema), str(name)) for schema, name in views]
        drop = sql.SQL("drop view {} cascade").format(sql.SQL(", ").join(names))
        connection.execute(drop)
        log.warning(
            "views of dbt's (%s) read what a migration changes, and were dropped: run settle build",
            len(views),
        )
        _apply(settings, folder)


def _apply(settings: Settings, folder: Path) -> None:
    """All or nothing, and what they make of the tables is what was applied, in one transaction.

    So a process that is killed before it applied the functions too leaves nothing that looks like
    somebody's change. Yoyo's own lock is a row that it would leave: who calls us holds one that
    ends with its session.
    """
    backend = migrations_backend(settings)
    if pending := backend.to_apply(yoyo.read_migrations(str(folder))):
        with backend.transaction():
            backend.apply_migrations(pending)
            backend.execute(KEEP_DEFINITIONS)
    backend.connection.close()


def migrations_backend(settings: Settings) -> yoyo.backends.DatabaseBackend:
    """What applies migrations: as settle_owner, so that every object has one owner.

    Its own tables are made in the first schema that its search path names; pg_catalog comes before
    that one unnamed.
    """
    parts = conninfo_to_dict(database_url(settings, Component.OWNER))
    uri = DatabaseURI(
        scheme="postgresql+psycopg",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        hostname=None,
        port=None,
        database=parts.pop("dbname", None),
        args={
            **parts,
            "options": f"-c role=settle_owner -c lock_timeout={LOCK_TIMEOUT}",
            "schema": "finance, pg_temp",
        },
    )
    return yoyo.get_backend(uri.uri)
