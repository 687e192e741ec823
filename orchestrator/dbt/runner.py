"""Calls into dbt: where it finds its profile, target folder and database, and what it is asked."""

import gc
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, database_url
from orchestrator.database.migrate import make_dbt_schemas
from orchestrator.errors import SettleError

LIVE_SCHEMA = "settlement"
AS_OF_SCHEMA = "asof_settlement"
# As of the same instant, but from the models where a change began.
AS_OF_BASE_SCHEMA = "asof_base_settlement"

# Nothing on the terminal; what came of each node in the file that an error names.
LOGGING = ("--log-level", "none", "--log-level-file", "info", "--no-use-colors-file")


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
        "SETTLE_DBT_SSLMODE": "sslmode",
        "SETTLE_DBT_SSLROOTCERT": "sslrootcert",
        "SETTLE_DBT_SSLCERT": "sslcert",
        "SETTLE_DBT_SSLKEY": "sslkey",
        # What its profile has no place for libpq reads itself.
        "PGREQUIREAUTH": "require_auth",
        "PGREQUIREPEER": "requirepeer",
        "PGSSLCRL": "sslcrl",
        "PGCHANNELBINDING": "channel_binding",
        "PGSSLMINPROTOCOLVERSION": "ssl_min_protocol_version",
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


@dataclass(frozen=True)
class NodeResult:
    """What came of one node: `rows` as far as it wrote a table, `failures` of a test."""

    unique_id: str
    status: str
    message: str
    seconds: float
    rows: int | None
    failures: int | None


def run_dbt(settings: Settings, arguments: Sequence[str], *, project: Path = PROJECT_ROOT) -> None:
    """Run one dbt command in this process; raises SettleError naming the first node that failed."""
    _, failure = dbt_results(settings, arguments, project=project)
    if failure:
        raise SettleError(failure)


def dbt_results(
    settings: Settings, arguments: Sequence[str], *, project: Path = PROJECT_ROOT
) -> tuple[list[NodeResult], str | None]:
    """Run one dbt command in this process: what came of each node, and why it failed if it did."""
    from dbt.cli.main import dbtRunner  # a second to import, and most verbs never need it

    prepare_dbt(settings)
    command = [*LOGGING, *arguments, "--project-dir", str(project)]
    with without_collector():
        result = dbtRunner().invoke(command)
    log = settings.home / "dbt" / "logs" / "dbt.log"
    nodes = [_node_result(node) for node in getattr(result.result, "results", None) or []]
    if result.success:
        return nodes, None
    if result.exception is not None:
        reason = str(result.exception).strip().splitlines()
        return nodes, f"dbt {arguments[0]} failed: {' '.join(reason)[:500]}; see {log}"
    return nodes, failure_line(arguments[0], nodes, log)


@contextmanager
def without_collector() -> Iterator[None]:
    """Look for no cycles meanwhile: dbt keeps nearly all that it makes until its command ends.

    Looking through it again and again takes an eighth of a build. What waits until then, about
    100 MB, depends on the size of the project and not of the data.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _node_result(result: Any) -> NodeResult:
    answer = getattr(result, "adapter_response", None) or {}
    return NodeResult(
        unique_id=result.node.unique_id if hasattr(result, "node") else "",
        status=str(result.status),
        message=str(result.message),
        seconds=float(getattr(result, "execution_time", 0.0)),
        rows=answer["rows_affected"] if answer.get("code") == "SELECT" else None,
        failures=getattr(result, "failures", None),
    )


def failure_line(command: str, nodes: Iterable[NodeResult], log: Path) -> str:
    """How many nodes failed and why the first did."""
    failed = [
        f"{node.unique_id.split('.')[2]}: {' '.join(node.message.split())[:300]}"
        for node in nodes
        if node.status in ("error", "fail", "runtime error")
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
    with connect(settings, Component.ORCHESTRATOR) as lock:
        lock.execute("select finance.hold_lock(%s)", [f"build {schema}"])
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
    # A folder of its own: with other variables dbt parses anew, and the live build would again.
    target = settings.home / "dbt" / "target-asof"
    place = ["--target", "asof", "--target-path", str(target)]
    with one_build(settings, AS_OF_SCHEMA):
        with connect(settings, Component.DBT) as connection:
            connection.execute("select finance.begin_build(%s, %s)", [AS_OF_SCHEMA, as_of])
        run_dbt(settings, [*build_arguments(), *place, "--vars", json.dumps(variables)])


def build_project_as_of(settings: Settings, project: Path, schema: str, as_of: datetime) -> Path:
    """Build a project's models as of an instant, without tests; returns dbt's target folder."""
    name = schema.removesuffix("_settlement")
    target = settings.home / "dbt" / f"target-{name}"
    arguments = [*build_arguments(), "--exclude-resource-type", "test", "--target", name]
    variables = json.dumps({"use_stored_closes": False})
    with one_build(settings, schema):
        with connect(settings, Component.DBT) as connection:
            connection.execute("select finance.begin_build(%s, %s)", [schema, as_of])
        run_dbt(
            settings,
            [*arguments, "--vars", variables, "--target-path", str(target)],
            project=project,
        )
    return target


def check_changes(settings: Settings, base: Path) -> None:
    """Build and test what differs from the project in `base`, into the schemas of the target dev.

    What did not change is read where the live build left it.
    """
    state = settings.home / "dbt" / "target-state"
    run_dbt(settings, ["parse", "--target-path", str(state)], project=base)
    changed = ["--select", "state:modified+", "--state", str(state), "--defer"]
    target = settings.home / "dbt" / "target-dev"
    make_dbt_schemas(settings, f"dev_{os.environ.get('USER', 'analyst')}")
    run_dbt(settings, ["build", *changed, "--target", "dev", "--target-path", str(target)])


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


def hand_on_parse(settings: Settings, target: Path) -> None:
    """Give a target folder that is new what dbt has parsed already: seconds of each first build.

    dbt itself sees which of it a file, a variable or the connection has outdated since.
    """
    name = "partial_parse.msgpack"
    parsed = settings.home / "dbt" / "target" / name
    if parsed.exists() and not (target / name).exists():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(parsed, target / name)


def project_variables() -> dict[str, Any]:
    """The vars of dbt_project.yml: what the models use, for the few places beside them."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    variables: dict[str, Any] = project["vars"]
    return variables


def source_table(name: str) -> tuple[str, str]:
    """Schema and table of a marketplace source."""
    variables = project_variables()
    return variables["marketplace_schema"], variables[f"{name}_table"]
