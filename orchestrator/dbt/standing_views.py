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
def standing(*, is_so: bool) -> Iterator[None]:
    """Tell dbt's hook meanwhile that a build may leave the views out and is whole all the same."""
    if is_so:
        os.environ[VARIABLE] = "1"
    try:
        yield
    finally:
        os.environ.pop(VARIABLE, None)


def views_stand(settings: Settings, project: str) -> bool:
    """Whether the project and the views are those of the last build that made all views."""
    file = _file(settings)
    remembered = json.loads(file.read_text(encoding="utf-8")) if file.exists() else None
    return bool(remembered == [project, views_digest(settings)])


def remember_views(settings: Settings, project: str) -> None:
    """To be called after a build that made every view: one that failed left some as they were.

    `project` is the digest from before that build: a file may be edited meanwhile.
    """
    file = _file(settings)
    scratch = file.with_suffix(".new")
    scratch.write_text(json.dumps([project, views_digest(settings)]), encoding="utf-8")
    scratch.replace(file)


def _file(settings: Settings) -> Path:
    return settings.home / "dbt" / "standing_views.json"


def project_digest() -> str:
    """A digest of all that decides what a view says, but for what it reads."""
    digest = hashlib.sha256(version("dbt-postgres").encode())
    for file in project_files():
        digest.update(f"{file}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def views_digest(settings: Settings) -> str:
    """A digest of the views there are: their definitions, columns, rights and identities."""
    with connect(settings, Component.DBT, is_read_only=True) as database:
        [found] = rows(database, sql_file("standing_views", Path(__file__).parent))
    return str(found["digest"])
