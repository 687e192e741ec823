"""What of ours in the database is not as it was applied, whoever changed it."""

import psycopg

from orchestrator.errors import SettleError

# What settle db start does not put back of itself.
BY_HAND = ("table", "constraint", "trigger")


def changed_definitions(connection: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    """The names of functions, tables, constraints, triggers and grants that somebody changed."""
    if not _is_installed(connection):
        return []
    found = connection.execute("select object_name from finance.changed_definitions()")
    return [str(name) for (name,) in found]


def refuse_changed_tables(
    connection: psycopg.Connection[tuple[object, ...]], kinds: tuple[str, ...] = BY_HAND
) -> None:
    """Raises SettleError where a person has to put something back; never in a new database."""
    if not _is_installed(connection):
        return
    found = connection.execute(
        "select object_name from finance.changed_definitions()"
        " where kind = any(%s) and exists (select from finance.applied_definitions)",
        [list(kinds)],
    )
    if changed := [str(name) for (name,) in found]:
        raise SettleError(
            f"tables of this database are not as settle made them ({some_of(changed)}): nothing"
            " was changed; put them back by hand: finance.changed_definitions() has what was there"
        )


def some_of(names: list[str]) -> str:
    """The first three, and how many more."""
    others = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + others


def _is_installed(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether an install ever came to its end, and the database keeps what was applied."""
    return has_relation(connection, "finance.applied_definitions") and bool(
        connection.execute("select 1 from finance.applied_functions").fetchone()
    )


def has_relation(connection: psycopg.Connection[tuple[object, ...]], relation: str) -> bool:
    """Whether the database has it."""
    row = connection.execute("select to_regclass(%s) is not null", [relation]).fetchone()
    return bool(row and row[0])
