"""What is built and where: live, as of an instant, what changed; one build per schema at a time."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import make_dbt_schemas
from orchestrator.dbt.project import project_files
from orchestrator.dbt.runner import NodeResult, dbt_results, differing_rows, run_dbt
from orchestrator.dbt.standing_views import (
    ROWS_ONLY,
    project_digest,
    remember_views,
    standing,
    views_stand,
)
from orchestrator.errors import SettleError
from orchestrator.secret_files import make_folder

LIVE_SCHEMA = "settlement"
AS_OF_SCHEMA = "asof_settlement"
# As of the same instant, but from the models where a change began.
AS_OF_BASE_SCHEMA = "asof_base_settlement"
RELATIONS_OF_TARGET = """
select n.nspname, c.relname, c.relkind = 'v' as is_view
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
where c.relkind in ('r', 'v')
and (n.nspname = %(target)s or n.nspname like replace(%(target)s, '_', '\\_') || '\\_%%')
"""
DROP_VIEW = sql.SQL("drop view if exists {} cascade")
DROP_TABLE = sql.SQL("drop table if exists {} cascade")


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
    """dbt build of the live schemas, without views and seeds that stand as they are.

    `full_refresh` makes all of them, and computes every window from the facts.
    """
    nodes, failure = _build_live(settings, [], full_refresh=full_refresh)
    if failure:
        raise SettleError(failure, detail=differing_rows(nodes))


def build_week(settings: Settings, target: Path) -> tuple[list[NodeResult], str | None]:
    """The same into a target folder: what came of each node, and why it failed if it did.

    dbt writes down neither, nor what it parsed: who asks has it in memory.
    """
    hand_on_parse(settings, target)
    return _build_live(settings, ["--target-path", str(target), "--no-write-json"])


def _build_live(
    settings: Settings, arguments: list[str], *, full_refresh: bool = False
) -> tuple[list[NodeResult], str | None]:
    with one_build(settings):
        project = project_digest()
        may_leave_out = not full_refresh and views_stand(settings, project)
        command = [*build_arguments(full_refresh=full_refresh), *arguments]
        with standing(is_so=may_leave_out):
            nodes, failure = dbt_results(
                settings, [*command, *(ROWS_ONLY if may_leave_out else ())]
            )
        # A full refresh has other views: they read every week.
        if failure is None and not may_leave_out and not full_refresh:
            remember_views(settings, project)
    return nodes, failure


def build_as_of(
    settings: Settings, as_of: datetime, timezone: str | None, *, rehearses_go_live: bool = False
) -> None:
    """Build the models as of an instant into schemas of their own, from the facts alone.

    The live schemas are untouched, and nothing is ever paid from these. A rehearsal takes the
    go-live that waits for one that was approved.
    """
    variables: Mapping[str, object] = {"use_stored_closes": False} | (
        {"settlement_timezone": timezone} if timezone else {}
    )
    if rehearses_go_live:
        variables = {**variables, "rehearse_go_live": True}
    # A folder of its own: with other variables dbt parses anew, and the live build would again.
    target = settings.home / "dbt" / "target-asof"
    place = ["--target", "asof", "--target-path", str(target)]
    with one_build(settings, AS_OF_SCHEMA):
        with connect(settings, Component.DBT) as connection:
            connection.execute("select finance.begin_build(%s, %s)", [AS_OF_SCHEMA, as_of])
        run_dbt(settings, [*build_arguments(), *place, "--vars", json.dumps(variables)])


def build_project_as_of(
    settings: Settings, project: Path, schema: str, as_of: datetime, *, beside: Path | None = None
) -> tuple[Path, set[str]]:
    """Build a project's models as of an instant, without tests.

    Returns dbt's target folder, and what was built.

    With `beside`, the target folder of another project's build as of that instant, only what
    differs is built, with all that reads it. The rest is read where that build left it, and is
    gone from this schema: it would be of another instant.
    """
    name = schema.removesuffix("_settlement")
    target = settings.home / "dbt" / f"target-{name}"
    arguments = [*build_arguments(), "--exclude-resource-type", "test", "--target", name]
    if beside:
        arguments += ["--select", "state:modified+", *deferred_to(beside)]
    variables = json.dumps({"use_stored_closes": False})
    with one_build(settings, schema):
        with connect(settings, Component.DBT) as connection:
            connection.execute("select finance.begin_build(%s, %s)", [schema, as_of])
            if beside:
                clear_schemas(connection, schema)
        nodes = run_dbt(
            settings,
            [*arguments, "--vars", variables, "--target-path", str(target)],
            project=project,
        )
    return target, {node.unique_id for node in nodes}


def deferred_to(state: Path) -> list[str]:
    """What is not built is read where the build of that state left it.

    Also where an earlier build left one here: that may be of a change that was taken back.
    """
    return ["--defer", "--favor-state", "--state", str(state)]


def clear_schemas(database: psycopg.Connection[Any], target: str) -> None:
    """Drop all that dbt built into the schemas of a target."""
    database.execute("set local role settle_dbt")
    found = database.execute(RELATIONS_OF_TARGET, {"target": target}).fetchall()
    for schema, name, is_view in found:
        place = sql.Identifier(schema, name)
        database.execute(DROP_VIEW.format(place) if is_view else DROP_TABLE.format(place))


def check_changes(settings: Settings, base: Path) -> None:
    """Build and test what differs from the project in `base`, into the schemas of the target dev.

    What did not change is read where the live build left it.
    """
    state = settings.home / "dbt" / "target-state"
    run_dbt(settings, ["parse", "--target-path", str(state)], project=base)
    target = settings.home / "dbt" / "target-dev"
    place = ["--target", "dev", "--target-path", str(target)]
    make_dbt_schemas(settings, f"dev_{os.environ.get('USER', 'analyst')}")
    run_dbt(settings, ["build", "--select", "state:modified+", *deferred_to(state), *place])
    # dbt build leaves out a unit test whose model it does not build. Here what was built is read.
    modified = ["--select", "state:modified,resource_type:unit_test"]
    run_dbt(settings, ["test", *modified, "--defer", "--state", str(state), *place])


def manifest_path(settings: Settings) -> Path:
    """The manifest of the project as it is now; parsed again when a file is newer than it."""
    manifest = settings.home / "dbt" / "target" / "manifest.json"
    newest = max(path.stat().st_mtime for path in project_files())
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
        make_folder(target, 0o700)
        shutil.copyfile(parsed, target / name)
