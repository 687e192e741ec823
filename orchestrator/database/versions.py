"""Which version a database is of: its migrations, its functions, and what has replaced them."""

import re
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import psycopg

from orchestrator.database.definitions import has_relation
from orchestrator.errors import SettleError
from orchestrator.project_variables import source_table

FOLDER = Path(__file__).parent


def is_up_to_date(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether nothing is to be applied. Raises SettleError where another version made it."""
    if not has_relation(connection, "finance._yoyo_migration"):
        return False
    applied = {r[0] for r in connection.execute("select migration_id from finance._yoyo_migration")}
    known = migration_hashes()
    if foreign := sorted(str(name) for name in applied - known.keys()):
        raise SettleError(
            f"this database was made by another version of settle ({foreign[0]}): update the code,"
            " or use another SETTLE_HOME or database"
        )
    if has_relation(connection, "finance.applied_migrations"):
        query = "select migration_id, sha256 from finance.applied_migrations order by migration_id"
        for name, digest in connection.execute(query):
            if known.get(str(name)) != digest:
                raise SettleError(
                    f"migration {name} was edited after this database had it: restore the file and"
                    " write a new migration, or use another SETTLE_HOME or database"
                )
    return not _is_open_to_all(connection) and is_this_version(connection)


def is_this_version(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Whether all of this checkout was applied, and nothing later; an install may have stopped."""
    if not has_relation(connection, "finance.applied_functions"):
        return False
    applied = connection.execute("select migration_id from finance._yoyo_migration").fetchall()
    row = connection.execute("select sha256 from finance.applied_functions").fetchone()
    return (
        {name for (name,) in applied} == migration_hashes().keys()
        and row is not None
        and row[0] == version_hash()
    )


def refuse_older(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Functions only go forward: what later ones have replaced is an older checkout."""
    if not has_relation(connection, "finance.applied_versions"):
        return
    found = connection.execute(
        "select v.version, v.sha256 = %s and f.sha256 is null"
        " from finance.applied_versions as v"
        " left join finance.applied_functions as f on v.sha256 = f.sha256",
        [version_hash()],
    ).fetchall()
    ours = version("settle")
    if any(is_known or _parts(str(other)) > _parts(ours) for other, is_known in found):
        raise SettleError(
            f"this checkout ({ours}) is older than the database: its functions were replaced by"
            " later ones; update the code"
        )


def _parts(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", number))


def migration_hashes() -> dict[str, str]:
    """The SHA-256 of each migration's file, by its id."""
    files = sorted((FOLDER / "migrations").glob("*.sql"))
    return {file.stem: sha256(file.read_bytes()).hexdigest() for file in files}


def _is_open_to_all(connection: psycopg.Connection[tuple[object, ...]]) -> bool:
    """As a database is after a restore into a new one: dumps leave its own grants out."""
    row = connection.execute(
        "select has_database_privilege('public', current_database(), 'connect')"
    ).fetchone()
    return bool(row and row[0])


def functions_text() -> bytes:
    """All functions, each in one place and made again when any changes; grants come last."""
    files = (FOLDER / "functions").rglob("*.sql")
    in_order = sorted(files, key=lambda f: (f.stem == "grants", f.parts))
    return b"\n".join(file.read_bytes() for file in in_order)


def version_hash() -> str:
    """Of all that is made again when it changes: roles, functions, where sellers are read."""
    source = ".".join(source_table("sellers")).encode()
    return sha256((FOLDER / "roles.sql").read_bytes() + functions_text() + source).hexdigest()
