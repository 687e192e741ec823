"""People's logins: made, given a new password or group, and taken away again."""

import psycopg
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.errors import SettleError

MAX_NAME_BYTES = 63  # Postgres cuts longer ones
MIN_PASSWORD = 12  # characters
GROUPS = ("finance", "analyst")
# Names that mean a component, a schema or everybody; a person of that name would be taken for it.
RESERVED = {
    *(component.value for component in Component),
    *("dagster", "postgres", "public", "none", "finance", "portal", "marketplace"),
    *("dbt_reads", "handover", "halfin", "settlement", "backend", "settle", "pgserver"),
}
# A transaction left open keeps a build from replacing its tables.
LIMITS = {
    "statement_timeout": "15min",
    "idle_in_transaction_session_timeout": "5min",
    "lock_timeout": "30s",
}
PERSON = """
select exists (
    select from pg_auth_members as m
    inner join pg_roles as g on m.roleid = g.oid
    where m.member = r.oid and g.rolname in ('settle_finance', 'settle_analyst')
)
from pg_roles as r
where r.rolname = %s
"""


def add_person(settings: Settings, name: str, password: str, group: str) -> None:
    """Create a personal login in the finance or analyst group, or give it a new password.

    The server gets the password as its SCRAM verifier, so that no log of statements has it.
    """
    if group not in GROUPS:
        raise SettleError(f"group {group!r} is not for people; use finance or analyst")
    if name.lower() in RESERVED or name.lower().startswith(("settle_", "pg_", "asof_", "dev_")):
        raise SettleError(f"the name {name!r} belongs to the system; choose a personal one")
    if not name.strip() or not name.isprintable() or len(name.encode()) > MAX_NAME_BYTES:
        raise SettleError(f"{name!r} is no name for a login; use 1 to {MAX_NAME_BYTES} characters")
    if not password:
        raise SettleError("the password is empty: set SETTLE_PASSWORD or type one")
    if len(password.lower().replace(name.lower(), "")) < MIN_PASSWORD:
        raise SettleError(
            f"the password is too short: use {MIN_PASSWORD} characters or more beside the name"
        )
    with connect(settings, Component.OWNER) as connection:
        known = _known_person(connection, name)
        verb = sql.SQL("alter role" if known else "create role")
        connection.execute(
            sql.SQL("{} {} login password {}").format(
                verb, sql.Identifier(name), password_literal(connection, name, password)
            )
        )
        for setting, value in LIMITS.items():
            connection.execute(
                sql.SQL("alter role {} set {} = {}").format(
                    sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
                )
            )
        for other in GROUPS:
            change = "grant {} to {}" if other == group else "revoke {} from {}"
            connection.execute(
                sql.SQL(change).format(sql.Identifier(f"settle_{other}"), sql.Identifier(name))
            )
        if known:  # who was in with the old password is out
            _end_sessions(connection, name)


def password_literal(
    connection: psycopg.Connection[tuple[object, ...]], login: str, password: str
) -> sql.Literal:
    """The password's SCRAM verifier, with the iterations that the session asks for."""
    verifier = connection.pgconn.encrypt_password(
        password.encode(), login.encode(), b"scram-sha-256"
    )
    return sql.Literal(verifier.decode())


def remove_person(settings: Settings, name: str) -> None:
    """Take a person's login away and end its sessions; what they decided keeps their name.

    The role itself stays, without login and groups: evidence names it, and nobody else may take it.
    """
    with connect(settings, Component.OWNER) as connection:
        if not _known_person(connection, name):
            raise SettleError(f"there is no login {name!r}")
        login = sql.Identifier(name)
        connection.execute(sql.SQL("alter role {} nologin password null").format(login))
        for group in GROUPS:
            connection.execute(
                sql.SQL("revoke {} from {}").format(sql.Identifier(f"settle_{group}"), login)
            )
        _end_sessions(connection, name)


def _known_person(connection: psycopg.Connection[tuple[object, ...]], name: str) -> bool:
    """Whether the login exists; one that is not a person's is refused."""
    known = connection.execute(PERSON, [name]).fetchone()
    if known and not known[0]:
        raise SettleError(f"the login {name!r} exists and is not one of ours; choose another")
    return known is not None


def _end_sessions(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Of this person, those that the desk keeps open too; takes the right to, where it is missing.

    An owner who is no superuser may end the sessions of a role it is a member of.
    """
    open_now = "select count(*) from pg_stat_activity where usename = %s"
    if not (connection.execute(open_now, [name]).fetchone() or (0,))[0]:
        return
    row = connection.execute(
        "select rolsuper or pg_has_role(current_user, 'pg_signal_backend', 'member')"
        " from pg_roles where rolname = current_user"
    ).fetchone()
    member = sql.SQL("{} {} {} current_user")
    is_ours = bool(row and row[0])
    if not is_ours:
        connection.execute(member.format(sql.SQL("grant"), sql.Identifier(name), sql.SQL("to")))
    connection.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", [name]
    )
    if not is_ours:
        connection.execute(member.format(sql.SQL("revoke"), sql.Identifier(name), sql.SQL("from")))
