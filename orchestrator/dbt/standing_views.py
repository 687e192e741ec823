"""Which builds may leave the views out: those of a project whose views stand as it made them.

Four of five models are views, and what they say changes with the project alone.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, sql_file
from orchestrator.dbt.project import project_files

# What dbt's hook reads: without it a build without its views is a part, and no close is stored.
VARIABLE = "DBT_VIEWS_STAND"
ROWS_ONLY = (
    "--select",
    "config.materialized:table",
    "config.materialized:incremental",
    "resource_type:seed",
    "resource_type:snapshot",
    "resource_type:test",
)


@contextmanager
def rows_only(settings: Settings) -> Iterator[tuple[str, ...]]:
    """The arguments by which a live build leaves the views out; none where it must make them.

    Remembers the views that a build made, so call it with the build inside.
    """
    project = _project()
    if _remembered(settings) == [project, _views(settings)]:
        os.environ[VARIABLE] = "1"
        try:
            yield ROWS_ONLY
        finally:
            del os.environ[VARIABLE]
        return
    yield ()
    file = _file(settings)
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps([project, _views(settings)]), encoding="utf-8")
    scratch.replace(file)


def _remembered(settings: Settings) -> list[str] | None:
    file = _file(settings)
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None


def _file(settings: Settings) -> Path:
    return settings.home / "dbt" / "standing_views.json"


def _project() -> str:
    """A digest of all that decides what a view says, but for what it reads."""
    digest = hashlib.sha256(version("dbt-postgres").encode())
    for file in project_files():
        digest.update(f"{file}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _views(settings: Settings) -> str:
    """A digest of the views there are: their definitions, columns, rights and identities."""
    with connect(settings, Component.DBT, is_read_only=True) as database:
        [found] = rows(database, sql_file("standing_views", Path(__file__).parent))
    return str(found["digest"])
