"""Bring a database to the schema this code expects: roles, migrations, logins, environment."""

from hashlib import sha256
from pathlib import Path

import psycopg
import yoyo
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from yoyo.connections import DatabaseURI

from orchestrator.config import Component, Environment, Settings
from orchestrator.database.connection import connect, database_url
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.errors import SettleError

FOLDER = Path(__file__).parent
MAX_NAME_BYTES = 63  # Postgres cuts longer ones
CLOCK = 7_755_388  # the advisory lock of whoever moves the clock for a while
PERSON = """
select exists (
    select from pg_auth_members as m
    inner join pg_roles as g on m.roleid = g.oid
    where m.member = r.oid and g.rolname in ('settle_finance', 'settle_analyst')
)
from pg_roles as r
where r.rolname = %s
"""
COMPONENT_GROUPS = {
    Component.DBT: "settle_dbt",
    Component.ORCHESTRATOR: "settle_orchestrator",
    Component.WEBHOOK: "settle_webhook",
    Component.PORTAL: "settle_portal",
}


def prepare_database(settings: Settings) -> None:
    """Start the embedded server if it is the one in use, and apply what is missing.

    Safe to repeat, and cheap: a database that is up to date is only read. With an external server
    whose owner URL is not given, somebody else migrates and nothing happens here.
    """
    if settings.is_embedded:
        EmbeddedPostgres(settings.home).start()
    elif Component.OWNER not in settings.urls:
        return
    with connect(settings, Component.OWNER, autocommit=True) as connection:
        # Held until this connection closes: two processes may arrive at once.
        connection.execute("select pg_advisory_lock(hashtext('settle.migrate'))")
        if not _is_up_to_date(connection):
            connection.execute((FOLDER / "roles.sql").read_bytes())
            if settings.is_embedded:
                _ensure_logins(connection, EmbeddedPostgres(settings.home))
            _apply_migrations(settings)
            _apply_functions(connection)
        _agree_on_environment(connection, settings)


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
                "delete from finance.clock where pg_try_advisory_xact_lock(%s)", [CLOCK]
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


def _is_up_to_date(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    row = connection.execute("select to_regclass('finance._yoyo_migration') is not null").fetchone()
    if not (row and row[0]):
        return False
    applied = {r[0] for r in connection.execute("select migration_id from finance._yoyo_migration")}
    known = {path.stem for path in (FOLDER / "migrations").glob("*.sql")}
    if foreign := sorted(str(name) for name in applied - known):
        raise SettleError(
            f"this database was made by another version of settle ({foreign[0]}): update the code,"
            " or use another SETTLE_HOME or database"
        )
    if applied != known or _is_open_to_all(connection):
        return False
    row = connection.execute("select sha256 from finance.applied_functions").fetchone()
    return row is not None and row[0] == sha256(_functions()).hexdigest()


def _is_open_to_all(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """As a database is after a restore into a new one: dumps leave its own grants out."""
    row = connection.execute(
        "select has_database_privilege('public', current_database(), 'connect')"
    ).fetchone()
    return bool(row and row[0])


def _functions() -> bytes:
    """All functions, each in one place and made again when any changes; grants come last."""
    files = (FOLDER / "functions").rglob("*.sql")
    in_order = sorted(files, key=lambda f: (f.stem == "grants", f.parts))
    return b"\n".join(file.read_bytes() for file in in_order)


def _apply_functions(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """As settle_owner, all or nothing; they may name each other in any order."""
    functions = _functions()
    with connection.transaction():
        connection.execute("set local check_function_bodies = off")
        connection.execute("set local role settle_owner")
        connection.execute(functions)
        connection.execute(
            "insert into finance.applied_functions (sha256) values (%s) on conflict (only_row)"
            " do update set sha256 = excluded.sha256, applied_at = excluded.applied_at",
            [sha256(functions).hexdigest()],
        )
        connection.execute("reset role")


def _ensure_logins(
    connection: psycopg.Connection[tuple[object, ...]], server: EmbeddedPostgres
) -> None:
    # dbt connects for each node, hundreds of times in a build. Iterations slow down who guesses;
    # these passwords are 24 random bytes.
    connection.execute("set scram_iterations = 1")
    for component, group in COMPONENT_GROUPS.items():
        if connection.execute(
            "select 1 from pg_roles where rolname = %s", [component.value]
        ).fetchone():
            continue
        connection.execute(
            sql.SQL("create role {} login password {} in role {}").format(
                sql.Identifier(component.value),
                sql.Literal(server.password(component.value)),
                sql.Identifier(group),
            )
        )
    connection.execute("reset scram_iterations")


def _apply_migrations(settings: Settings) -> None:
    """As settle_owner, so that every object has one owner, whoever logs in."""
    parts = conninfo_to_dict(database_url(settings, Component.OWNER))
    uri = DatabaseURI(
        scheme="postgresql+psycopg",
        username=parts.pop("user", None),
        password=parts.pop("password", None),
        hostname=None,
        port=None,
        database=parts.pop("dbname", None),
        args={**parts, "options": "-c role=settle_owner", "schema": "finance"},
    )
    backend = yoyo.get_backend(uri.uri)
    with backend.lock(timeout=60):
        backend.apply_migrations(backend.to_apply(yoyo.read_migrations(str(FOLDER / "migrations"))))
    backend.connection.close()


def _agree_on_environment(
    connection: psycopg.Connection[tuple[object, ...]], settings: Settings
) -> None:
    """What SETTLE_ENV says is kept in the database; production is never left, nor met by chance."""
    row = connection.execute("select environment from finance.installation").fetchone()
    kept = str(row[0]) if row else ""
    if settings.environment.value == kept:
        return
    if kept == Environment.PRODUCTION.value:
        raise SettleError(
            f"this database is production and SETTLE_ENV is {settings.environment.value}:"
            " set SETTLE_ENV=production, or use another database"
        )
    if settings.is_environment_given:
        connection.execute("set role settle_owner")
        connection.execute("select finance.set_environment(%s)", [settings.environment.value])


def add_person(settings: Settings, name: str, password: str, group: str) -> None:
    """Create a personal login in the finance or analyst group, or give it a new password."""
    if group not in ("finance", "analyst"):
        raise SettleError(f"group {group!r} is not for people; use finance or analyst")
    taken = {c.value for c in Component} | {"postgres", "public", "none"}
    if name.lower() in taken or name.lower().startswith(("settle_", "pg_")):
        raise SettleError(f"the name {name!r} belongs to the system; choose a personal one")
    if not name.strip() or not name.isprintable() or len(name.encode()) > MAX_NAME_BYTES:
        raise SettleError(f"{name!r} is no name for a login; use 1 to {MAX_NAME_BYTES} characters")
    if not password:
        raise SettleError("the password is empty: set SETTLE_PASSWORD or type one")
    with connect(settings, Component.OWNER) as connection:
        known = connection.execute(PERSON, [name]).fetchone()
        if known and not known[0]:
            raise SettleError(f"the login {name!r} exists and is not one of ours; choose another")
        verb = sql.SQL("alter role") if known else sql.SQL("create role")
        connection.execute(
            sql.SQL("{} {} login password {}").format(
                verb, sql.Identifier(name), sql.Literal(password)
            )
        )
        for other in ("finance", "analyst"):
            change = "grant {} to {}" if other == group else "revoke {} from {}"
            connection.execute(
                sql.SQL(change).format(sql.Identifier(f"settle_{other}"), sql.Identifier(name))
            )
