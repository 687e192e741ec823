"""Calls into dbt: where it finds its profile, target folder and database, and what it is asked."""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database import connect, database_url
from orchestrator.errors import SettleError

LIVE_SCHEMA = "settlement"
AS_OF_SCHEMA = "asof_settlement"


def dbt_environment(settings: Settings) -> dict[str, str]:
    """The variables that profiles.yml.example reads, and where dbt may write."""
    folder = settings.home / "dbt"
    environment = {
        "DBT_PROFILES_DIR": str(folder),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    parts = conninfo_to_dict(database_url(settings, Component.DBT))
    for variable, part in {
        "SETTLE_DBT_HOST": "host",
        "SETTLE_DBT_PORT": "port",
        "SETTLE_DBT_USER": "user",
        "SETTLE_DBT_DBNAME": "dbname",
        "DBT_ENV_SECRET_SETTLE_PASSWORD": "password",  # dbt keeps this prefix out of its logs
    }.items():
        if parts.get(part):
            environment[variable] = str(parts[part])
    return environment


def prepare_dbt(settings: Settings) -> dict[str, str]:
    """Put the profile where dbt looks for it and set its variables in this process."""
    folder = settings.home / "dbt"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT_ROOT / "profiles.yml.example", folder / "profiles.yml")
    environment = dbt_environment(settings)
    os.environ.update(environment)
    return environment


def run_dbt(settings: Settings, arguments: Sequence[str]) -> None:
    """Run one dbt command in this process; raises SettleError naming the first node that failed."""
    from dbt.cli.main import dbtRunner  # a second to import, and most verbs never need it

    prepare_dbt(settings)
    result = dbtRunner().invoke(
        ["--log-level", "none", *arguments, "--project-dir", str(PROJECT_ROOT)]
    )
    if result.success:
        return
    log = settings.home / "dbt" / "logs" / "dbt.log"
    if result.exception is not None:
        reason = str(result.exception).strip().splitlines()
        raise SettleError(f"dbt {arguments[0]} failed: {' '.join(reason)[:500]}; see {log}")
    nodes = getattr(result.result, "results", [])
    raise SettleError(
        failure_line(arguments[0], [(n.node.unique_id, n.status, n.message) for n in nodes], log)
    )


def failure_line(command: str, nodes: Iterable[tuple[str, str, object]], log: Path) -> str:
    """How many nodes failed and why the first did; each is unique_id, status and message."""
    failed = [
        f"{unique_id.split('.')[2]}: {' '.join(str(message).split())[:300]}"
        for unique_id, status, message in nodes
        if status in ("error", "fail", "runtime error")
    ]
    if not failed:
        return f"dbt {command} failed; see {log}"
    return f"dbt {command}: {len(failed)} failed, first {failed[0]}; see {log}"


def build_arguments(*, full_refresh: bool = False) -> list[str]:
    """What a build of the live schemas is: everything but unit tests, which test code, not data."""
    arguments = ["build", "--exclude-resource-type", "unit_test"]
    return [*arguments, "--full-refresh"] if full_refresh else arguments


@contextmanager
def one_build(settings: Settings, schema: str = LIVE_SCHEMA) -> Iterator[None]:
    """Wait until nobody builds into the schema, and keep everybody else out of it.

    Two builds at once replace each other's relations, and both fail.
    """
    with connect(settings, Component.ORCHESTRATOR, autocommit=True) as lock:
        lock.execute("select pg_advisory_lock(hashtext(%s))", [f"settle.build.{schema}"])
        yield


def build_live(settings: Settings, *, full_refresh: bool = False) -> None:
    """dbt build of the live schemas; `full_refresh` computes every window from the facts."""
    with one_build(settings):
        run_dbt(settings, build_arguments(full_refresh=full_refresh))


def build_as_of(settings: Settings, as_of: datetime, timezone: str | None) -> None:
    """Build the models as of an instant into schemas of their own, from the facts alone.

    The live schemas are untouched, and nothing is ever paid from these.
    """
    variables: Mapping[str, object] = {"use_stored_closes": False} | (
        {"settlement_timezone": timezone} if timezone else {}
    )
    with one_build(settings, AS_OF_SCHEMA):
        with connect(settings, Component.DBT) as connection:
            connection.execute("select finance.begin_build(%s, %s)", [AS_OF_SCHEMA, as_of])
        run_dbt(
            settings,
            [*build_arguments(), "--target", "asof", "--vars", json.dumps(variables)],
        )


def manifest_path(settings: Settings) -> Path:
    """The manifest of the project as it is now; parsed again when a file is newer than it."""
    manifest = settings.home / "dbt" / "target" / "manifest.json"
    sources = [PROJECT_ROOT / "dbt_project.yml"]
    for folder in ("models", "macros", "seeds", "snapshots", "tests/dbt"):
        sources += [p for p in (PROJECT_ROOT / folder).rglob("*") if p.is_file()]
    newest = max(p.stat().st_mtime for p in sources)
    if not manifest.exists() or manifest.stat().st_mtime < newest:
        run_dbt(settings, ["parse"])
    return manifest


def project_variables() -> dict[str, Any]:
    """The vars of dbt_project.yml: what the models use, for the few places beside them."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    variables: dict[str, Any] = project["vars"]
    return variables


def source_table(name: str) -> tuple[str, str]:
    """Schema and table of a marketplace source."""
    variables = project_variables()
    return variables["marketplace_schema"], variables[f"{name}_table"]
