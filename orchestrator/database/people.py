"""Logins of people and of the marketplace's backend: made, given a new password, taken away."""

import psycopg
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.errors import SettleError

READS = "_reads"  # what the login is called with which somebody of finance reads
MAX_NAME_BYTES = 63 - len(READS)  # Postgres cuts longer ones
MIN_PASSWORD = 12  # characters
BACKEND = "marketplace"  # the group of a program, never of a person
GROUPS = ("finance", "analyst", BACKEND)
PERSON_CONNECTIONS, BACKEND_CONNECTIONS = 40, 60  # of the server's 200: the others go on
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
# A first import may take longer than a person's query.
BACKEND_LIMITS = {k: v for k, v in LIMITS.items() if k != "statement_timeout"}
# Code in a view would change the password of whoever reads it, or what their sessions begin with.
READER_LIMITS = LIMITS | {"default_transaction_read_only": "on"}
# The group of a login that we made; null where it is somebody else's.
GROUP = """
select (
    select substr(g.rolname, length('settle_') + 1) from pg_auth_members as m
    inner join pg_roles as g on m.roleid = g.oid
    where m.member = r.oid and g.rolname = any(%s)
    limit 1
)
from pg_roles as r
where r.rolname = %s
"""

# The databases in which a login's sessions begin with settings of its own.
SET_FOR = """
select d.datname from pg_db_role_setting as s
inner join pg_database as d on s.setdatabase = d.oid
inner join pg_roles as r on s.setrole = r.oid
where r.rolname = %s
"""


def add_person(settings: Settings, name: str, password: str, group: str) -> None:
    """Create a login in one of GROUPS, or give it a new password.

    Who decides does not read what dbt builds: code in a model would run with the rights to decide.
    Somebody of finance gets a second login for it, with the same password. A program's login stays
    one, and a person's: who knows its password does not change. The server gets the password as
    its SCRAM verifier, so that no log of statements has it.
    """
    if group not in GROUPS:
        raise SettleError(
            f"group {group!r} is not for people; use finance or analyst, or marketplace for the"
            " marketplace's backend"
        )
    is_backend = group == BACKEND
    prefixes = ("settle_", "pg_", "asof_", "dev_")
    lowered = name.lower()
    if lowered in RESERVED or lowered.startswith(prefixes) or lowered.endswith(READS):
        raise SettleError(f"the name {name!r} belongs to the system; choose a personal one")
    if not name.strip() or not name.isprintable() or len(name.encode()) > MAX_NAME_BYTES:
        raise SettleError(
            f"{name!r} is not a name for a login; use 1 to {MAX_NAME_BYTES} characters"
        )
    if not password:
        raise SettleError("the password is empty: set SETTLE_PASSWORD or type one")
    if len(password.lower().replace(name.lower(), "")) < MIN_PASSWORD:
        raise SettleError(
            f"the password is too short: use {MIN_PASSWORD} characters or more beside the name"
        )
    with connect(settings, Component.OWNER) as connection:
        known = _known_group(connection, name)
        if known and is_backend != (known == BACKEND):
            raise SettleError(
                f"the login {name!r} is in the {known} group: a program's login is not a person's;"
                " choose another"
            )
        _set_login(connection, name, password, group, is_known=known is not None)
        reader = _reader_of(connection, name)
        if group == "finance" or reader:
            second = reading_login(name)
            _set_login(connection, second, password, "analyst", is_known=reader is not None)


def reading_login(name: str) -> str:
    """The login with which somebody of finance reads what dbt builds; it can decide nothing."""
    return f"{name}{READS}"


def _set_login(
    connection: psycopg.Connection[tuple[object, ...]],
    name: str,
    password: str,
    group: str,
    *,
    is_known: bool,
) -> None:
    is_backend = group == BACKEND
    connection.execute(
        sql.SQL("{} {} login connection limit {} password {}").format(
            sql.SQL("alter role" if is_known else "create role"),
            sql.Identifier(name),
            sql.Literal(BACKEND_CONNECTIONS if is_backend else PERSON_CONNECTIONS),
            password_literal(connection, name, password),
        )
    )
    _forget_settings(connection, name)
    limits = {"analyst": READER_LIMITS, BACKEND: BACKEND_LIMITS}.get(group, LIMITS)
    for setting, value in limits.items():
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
    if is_known:  # who was in with the old password is out
        _end_sessions(connection, name)


def _forget_settings(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """What the login, or code that it has read, has set for its sessions, here or anywhere."""
    role = sql.Identifier(name)
    connection.execute(sql.SQL("alter role {} reset all").format(role))
    for (database,) in connection.execute(SET_FOR, [name]).fetchall():
        place = sql.Identifier(str(database))
        connection.execute(sql.SQL("alter role {} in database {} reset all").format(role, place))


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
    if name.endswith(READS):
        raise SettleError(
            f"{name!r} goes with its person's own login: settle user remove {name[: -len(READS)]}"
        )
    with connect(settings, Component.OWNER) as connection:
        if not _known_group(connection, name):
            raise SettleError(f"there is no login {name!r}")
        for login in filter(None, (name, _reader_of(connection, name))):
            role = sql.Identifier(login)
            connection.execute(sql.SQL("alter role {} nologin password null").format(role))
            for group in GROUPS:
                connection.execute(
                    sql.SQL("revoke {} from {}").format(sql.Identifier(f"settle_{group}"), role)
                )
            _end_sessions(connection, login)


def _reader_of(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str | None:
    reader = reading_login(name)
    return reader if _known_group(connection, reader) else None


def _known_group(connection: psycopg.Connection[tuple[object, ...]], name: str) -> str | None:
    """The group of a login that exists; one that we did not make is refused."""
    groups = [f"settle_{group}" for group in GROUPS]
    known = connection.execute(GROUP, [groups, name]).fetchone()
    if known and not known[0]:
        raise SettleError(f"the login {name!r} exists and is not one of ours; choose another")
    return str(known[0]) if known else None


def _end_sessions(connection: psycopg.Connection[tuple[object, ...]], name: str) -> None:
    """Of this person, those of the console too; takes the right to, where it is missing.

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
