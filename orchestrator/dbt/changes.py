"""What differs from the project as it was, built beside the live schemas, and nothing twice."""

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
from psycopg import sql

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import make_dbt_schemas
from orchestrator.dbt.builds import AS_OF_SCHEMA, build_arguments, hand_on_parse, one_build
from orchestrator.dbt.project import dbt_environment
from orchestrator.dbt.runner import NodeResult, list_nodes, parse_project, run_dbt
from orchestrator.dbt.standing_views import project_digest

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

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
# A unit test brings the rows that its model reads; they have the types of what is read. So it runs
# where the model changed or what it reads itself: two steps, as the test is one.
READ_A_CHANGE = (
    "state:modified+,resource_type:model",
    "state:modified+,resource_type:seed",
    "state:modified+,resource_type:snapshot",
    "state:modified+,resource_type:test",
    "state:modified+2,resource_type:unit_test",
)
# Else each model that is built brings all its unit tests; data tests are selected as they stand.
AS_SELECTED = ("--indirect-selection", "empty")
# Whoever asks has both in memory.
NO_JSON = "--no-write-json"


class BothBuilds(NamedTuple):
    """The target folders of two builds as of one instant, and what the second one built."""

    before: Path
    after: Path
    built: set[str]


def check_changes(settings: Settings, base: Path) -> list[NodeResult]:
    """Build and test what differs from the project in `base`, into the schemas of the target dev.

    What did not change is read where the live build left it. Returns what came of each node.
    """
    state = settings.home / "dbt" / "target-state"
    parse_once(settings, base, state)
    target = settings.home / "dbt" / "target-dev"
    place = ["--target", "dev", "--target-path", str(target), NO_JSON]
    make_dbt_schemas(settings, f"dev_{os.environ.get('USER', 'analyst')}")
    manifest = parse_project(settings, place)
    edited = _edited_unit_tests(manifest, state)
    changes = ["--select", *READ_A_CHANGE, *AS_SELECTED, *deferred_to(state)]
    nodes = run_dbt(settings, ["build", *changes, *place], manifest=manifest)
    # dbt build leaves out a unit test whose model it does not build. Here what was built is read.
    left = edited - {node.unique_id for node in nodes}
    if left:
        names = [f"{unique_id.rpartition('.')[2]},resource_type:unit_test" for unique_id in left]
        chosen = ["--select", *sorted(names), "--defer", "--state", str(state)]
        nodes += run_dbt(settings, ["test", *chosen, *place])
    return nodes


def build_both_as_of(
    settings: Settings, base: Path, project: Path, as_of: datetime, *, is_whole: bool
) -> BothBuilds:
    """Build two projects' models as of an instant, without tests; the live schemas stay.

    Of the second only what differs is built, with all that reads it; of the first what of it that
    is compared with or read by. Where `is_whole`, all of both.
    """
    before, after = _place(settings, AS_OF_BASE_SCHEMA), _place(settings, AS_OF_SCHEMA)
    parse_once(settings, base, before.target, before.arguments)
    if is_whole:
        _build_as_of(settings, base, before, as_of, [])
        manifest = parse_project(settings, after.arguments, project=project)
        return BothBuilds(
            before.target,
            after.target,
            _build_as_of(settings, project, after, as_of, [], manifest),
        )
    manifest = parse_project(settings, after.arguments, project=project)
    changed = ["--select", "state:modified+", "--state", str(before.target), NO_JSON]
    kinds = [f"--resource-type={kind}" for kind in ("model", "seed", "snapshot")]
    listing = [*changed, *kinds, *after.arguments]
    names = list_nodes(settings, listing, project=project, manifest=manifest)
    if not names:
        return BothBuilds(before.target, after.target, set())
    read = [f"fqn:{name}" for name in _with_all_they_read(manifest, names)]
    _build_as_of(settings, base, before, as_of, ["--select", *read])
    changes = ["--select", "state:modified+", *deferred_to(before.target)]
    built = _build_as_of(settings, project, after, as_of, changes, manifest)
    return BothBuilds(before.target, after.target, built)


def _with_all_they_read(manifest: "Manifest", names: Iterable[str]) -> list[str]:
    """The names of nodes, and of all nodes that they are made from."""
    nodes = {".".join(node.fqn): node for node in manifest.nodes.values()}
    left, found = [nodes[name] for name in names], set()
    while left:
        node = left.pop()
        name = ".".join(node.fqn)
        if name not in found:
            found.add(name)
            left += [manifest.nodes[i] for i in node.depends_on_nodes if i in manifest.nodes]
    return sorted(found)


class _Place(NamedTuple):
    schema: str
    target: Path
    arguments: list[str]


def _place(settings: Settings, schema: str) -> _Place:
    name = schema.removesuffix("_settlement")
    target = settings.home / "dbt" / f"target-{name}"
    variables = json.dumps({"use_stored_closes": False})
    arguments = ["--target", name, "--target-path", str(target), "--vars", variables]
    return _Place(schema, target, arguments)


def _build_as_of(
    settings: Settings,
    project: Path,
    place: _Place,
    as_of: datetime,
    selected: list[str],
    manifest: "Manifest | None" = None,
) -> set[str]:
    """Nothing of another instant is left in the schema; returns what was built."""
    arguments = [*build_arguments(), "--exclude-resource-type", "test", *selected]
    with one_build(settings, place.schema):
        with connect(settings, Component.DBT) as connection:
            connection.execute("select finance.begin_build(%s, %s)", [place.schema, as_of])
            _clear_schemas(connection, place.schema)
        nodes = run_dbt(
            settings, [*arguments, *place.arguments, NO_JSON], project=project, manifest=manifest
        )
    return {node.unique_id for node in nodes}


def deferred_to(state: Path) -> list[str]:
    """What is not built is read where the build of that state left it.

    Also where an earlier build left one here: that may be of a change that was taken back.
    """
    return ["--defer", "--favor-state", "--state", str(state)]


def _clear_schemas(database: psycopg.Connection[Any], target: str) -> None:
    """Drop all that dbt built into the schemas of a target."""
    database.execute("set local role settle_dbt")
    found = database.execute(RELATIONS_OF_TARGET, {"target": target}).fetchall()
    for schema, name, is_view in found:
        place = sql.Identifier(schema, name)
        database.execute(DROP_VIEW.format(place) if is_view else DROP_TABLE.format(place))


def parse_once(
    settings: Settings, project: Path, target: Path, arguments: Iterable[str] = ()
) -> None:
    """Write a project's manifest into the target folder, unless it is there of the same files."""
    hand_on_parse(settings, target)
    profile = (PROJECT_ROOT / "profiles.yml.example").read_text(encoding="utf-8")
    database = dbt_environment(settings)["SETTLE_DBT_DBNAME"]
    parsed = json.dumps([project_digest(project), profile, database, *arguments])
    file = target / "parsed.json"
    if (target / "manifest.json").exists() and file.exists() and file.read_text() == parsed:
        return
    file.unlink(missing_ok=True)
    parse_project(settings, ["--target-path", str(target), *arguments], project=project)
    file.write_text(parsed, encoding="utf-8")


def _edited_unit_tests(manifest: "Manifest", state: Path) -> set[str]:
    """Unit tests that are not as they were."""
    before = json.loads((state / "manifest.json").read_text(encoding="utf-8"))["unit_tests"]
    return {
        unique_id
        for unique_id, unit_test in manifest.unit_tests.items()
        if unit_test.checksum != before.get(unique_id, {}).get("checksum")
    }
