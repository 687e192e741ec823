"""What a build may leave out: views and seeds that stand as the same project made them.

Four of five models are views. What they and the seeds say changes with the project alone, and so
does what their own tests, and those in tests/dbt/project, find.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from psycopg import sql

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows, sql_file
from orchestrator.dbt.project import project_files

# What dbt's hook reads: without it a build without its views is a part, and no close is stored.
VARIABLE = "DBT_VIEWS_STAND"
ROWS_ONLY = (
    "--select",
    "config.materialized:table",
    "config.materialized:incremental",
    "resource_type:snapshot",
    "resource_type:test",
    "--exclude",
    "path:seeds",
    "path:tests/dbt/project",
    # Views that have rows in a backtest alone.
    "path:models/core/risk",
    "path:models/marts/risk",
    # Else a test of rows that reads a seed besides is left out with it.
    "--indirect-selection",
    "empty",
)
SEEDS = "settlement_seeds"
SEED_TABLES = "select tablename from pg_tables where schemaname = %s order by 1"
SEED_ROWS = sql.SQL("select md5(string_agg(s::text, E'\\n' order by s::text)) from {} as s")


@contextmanager
def standing(*, is_so: bool) -> Iterator[None]:
    """Tell dbt's hook meanwhile that a build may leave the views out and is whole all the same."""
    if is_so:
        os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)


def views_stand(settings: Settings, project: str) -> bool:
    """Whether the project, views and seeds are those of the last build that made all of them."""
    file = _file(settings)
    remembered = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    return bool(remembered == [project, *standing_digests(settings)])


def remember_views(settings: Settings, project: str) -> None:
    """To be called after a build that made every view and seed: a failed one left some as before.

    `project` is the digest from before that build: a file may be edited meanwhile.
    """
    file = _file(settings)
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps([project, *standing_digests(settings)]), encoding="utf-8")
    scratch.replace(file)


def _file(settings: Settings) -> Path:
    return settings.home / "dbt" / "standing_views.json"


def project_digest(project: Path = PROJECT_ROOT) -> str:
    """A digest of all that decides what a view says, but for what it reads."""
    digest = hashlib.sha256(f"{version('dbt-core')} {version('dbt-postgres')}".encode())
    for file in project_files(project):
        digest.update(f"{os.path.relpath(file, project)}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def standing_digests(settings: Settings) -> tuple[str, str]:
    """Of views and seeds (their definitions, columns, rights, identities), and of seeds' rows."""
    with connect(settings, Component.DBT, is_read_only=True) as database:
        [found] = rows(database, sql_file("standing_views", Path(__file__).parent))
        seeds = database.execute(SEED_TABLES, [SEEDS]).fetchall()
        digests = [
            database.execute(SEED_ROWS.format(sql.Identifier(SEEDS, name))).fetchone()
            for (name,) in seeds
        ]
    return str(found["digest"]), hashlib.sha256(repr(digests).encode()).hexdigest()
