"""What is built and where: live, as of an instant, what changed; one build per schema at a time."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.project import project_files
from orchestrator.dbt.runner import NodeResult, Tell, dbt_results, differing_rows, run_dbt
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


def build_week(
    settings: Settings, target: Path, tell: Tell | None = None
) -> tuple[list[NodeResult], str | None]:
    """The same into a target folder: what came of each node, and why it failed if it did.

    dbt writes down neither, nor what it parsed: who asks has it in memory. `tell` is called for
    each node as it ends, and where views are made for all of them at the end: until then relations
    may have the columns of before.
    """
    hand_on_parse(settings, target)
    return _build_live(settings, ["--target-path", str(target), "--no-write-json"], tell=tell)


def _build_live(
    settings: Settings,
    arguments: list[str],
    *,
    full_refresh: bool = False,
    tell: Tell | None = None,
) -> tuple[list[NodeResult], str | None]:
    with one_build(settings):
        project = project_digest()
        may_leave_out = not full_refresh and views_stand(settings, project)
        command = [*build_arguments(full_refresh=full_refresh), *arguments]
        with standing(is_so=may_leave_out):
            nodes, failure = dbt_results(
                settings,
                [*command, *(ROWS_ONLY if may_leave_out else ())],
                tell=tell if may_leave_out else None,
            )
        # A full refresh has other views: they read every week.
        if failure is None and not may_leave_out and not full_refresh:
            remember_views(settings, project)
    if tell and not may_leave_out:
        selected = [node.unique_id for node in nodes]
        for node in nodes:
            tell((node, selected))
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
