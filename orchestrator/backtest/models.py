"""The models that a backtest runs, as dbt compiles them under a policy's variables."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any

from orchestrator.backtest.policy import Policy
from orchestrator.config import Settings
from orchestrator.dbt.builds import LIVE_SCHEMA, hand_on_parse
from orchestrator.dbt.runner import parse_project, run_dbt
from orchestrator.project_variables import is_distributed

# Two policies can be tried at once, each in schemas of its own. Of the first the marts are read.
TARGETS = ("backtest", "backtest_2")
SCHEMAS = tuple(f"asof_{target}" for target in TARGETS)
MARTS = ("backtest_weeks", "dispute_delays")
# What the backtest stores as its closes.
CLOSES = "int_settlement__computed"
# What flags ask for at a close.
FLAGS = "int_flag_policies"
# What a backtest has of its own; a snapshot is read where the live builds keep it.
MADE = ("model", "seed")
ENDS = (*MARTS, CLOSES, FLAGS)
# Views elsewhere, of tables that are on the workers: the backtest's own are there, too.
OF_LARGE_TABLES = ("stg_finance__window_close_entries", "stg_finance__window_close_facts")


@dataclass(frozen=True)
class Model:
    """A model or seed: `sql` selects its rows, but for seeds.

    `is_on_workers` where a table of it belongs on the workers of a cluster, by seller.
    """

    name: str
    schema: str
    kind: str  # view, table or seed
    sql: str
    indexes: tuple[tuple[tuple[str, ...], bool], ...]  # columns, and whether they are unique
    reads: frozenset[str]
    is_on_workers: bool


@dataclass(frozen=True)
class Models:
    """All that the marts of a backtest are made from, in the order in which they are built.

    `schema` is that of the marts; the others' begin with its name.
    """

    schema: str
    ordered: tuple[Model, ...]

    def before(self, *names: str) -> frozenset[str]:
        """These models and all that they are made from."""
        found = set(names)
        for model in reversed(self.ordered):
            if model.name in found:
                found |= model.reads
        return frozenset(found)

    def at(self, target: str) -> "Models":
        """The same in the schemas of a target, whose names are all that dbt would compile there
        otherwise."""

        def there(text: str) -> str:
            return text.replace(self.schema, schema)

        schema = f"asof_{target}"
        moved = (replace(m, schema=there(m.schema), sql=there(m.sql)) for m in self.ordered)
        return Models(schema, tuple(moved))

    def after(self, name: str) -> frozenset[str]:
        """This model and all that are made from it."""
        found = {name}
        for model in self.ordered:
            if model.reads & found:
                found.add(model.name)
        return frozenset(found)


def compile_models(settings: Settings, policy: Policy) -> Models:
    """Compile the models under the policy's variables, for closes of the first target's own.

    They are parsed as for the live schemas, which an earlier build has mostly done: dbt would parse
    for seconds for each policy and target, though what these decide is compiled and not parsed.
    """
    target = TARGETS[0]
    folder = settings.home / "dbt" / f"target-{target}"
    hand_on_parse(settings, folder)
    parsed = parse_project(settings, ["--no-write-json", "--target-path", str(folder)])
    schema = f"asof_{target}"
    for node in parsed.nodes.values():
        if node.resource_type in MADE and node.schema.startswith(LIVE_SCHEMA):
            node.schema = schema + node.schema.removeprefix(LIVE_SCHEMA)
            node.relation_name = None
    variables = {name: str(value) for name, value in policy.variables}
    run_dbt(
        settings,
        [
            *("compile", "--full-refresh", "--no-write-json"),
            *("--target", target, "--target-path", str(folder)),
            *("--select", *(f"+{end}" for end in ENDS), "--vars", json.dumps(variables)),
        ],
        manifest=parsed,
    )
    read = (*MADE, "snapshot")
    nodes = {n: node.to_dict() for n, node in parsed.nodes.items() if node.resource_type in read}
    return Models(schema, tuple(_ordered(nodes, has_workers=is_distributed())))


def _ordered(nodes: Mapping[str, Any], *, has_workers: bool) -> Iterable[Model]:
    """The marts and what they are made from; a snapshot is read where the live builds keep it."""
    wanted: dict[str, set[str]] = {}
    waiting = [name for name, node in nodes.items() if node["name"] in ENDS]
    while waiting:
        name = waiting.pop()
        if name not in wanted and nodes[name]["resource_type"] in MADE:
            reads = nodes[name].get("depends_on", {}).get("nodes", [])
            wanted[name] = {read for read in reads if read in nodes}
            waiting += wanted[name]
    for name in TopologicalSorter(wanted).static_order():
        if name in wanted:
            yield _model(nodes, name, has_workers=has_workers)


def _model(nodes: Mapping[str, Any], name: str, *, has_workers: bool) -> Model:
    node = nodes[name]
    reads = node.get("depends_on", {}).get("nodes", [])
    is_seed = node["resource_type"] == "seed"
    return Model(
        name=node["name"],
        schema=node["schema"],
        kind="seed" if is_seed else node["config"]["materialized"],
        sql="" if is_seed else node["compiled_code"],
        indexes=tuple(
            (tuple(index["columns"]), bool(index.get("unique")))
            for index in node["config"].get("indexes") or ()
        ),
        reads=frozenset(nodes[read]["name"] for read in reads if read in nodes),
        is_on_workers=has_workers
        and (
            node["config"].get("meta", {}).get("placement") == "by_seller"
            or node["name"] in OF_LARGE_TABLES
        ),
    )
