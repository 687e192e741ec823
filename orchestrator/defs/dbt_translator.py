"""How dbt's own description of the project becomes nodes of the graph."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings
from dagster_dbt.dbt_project import DbtProject

TESTS = "tests"
BOOKS = "books"
# Marts about what the rail did with a batch. One build makes all marts; on the graph these stand
# after the payout. Another one joins them with `meta: {dagster: {group: books}}`.
AFTER_THE_PAYOUT = (
    "receipts",
    "payouts",
    "reconciliation",
    "liability_rollforward",
    "balance_ageing",
)
STAGES = ("seeds", "snapshots", "staging", "core", "marts", BOOKS)
OWNERS = {"marts": "team:finance", BOOKS: "team:finance"}
DATA_TEAM = "team:data"

Props = Mapping[str, Any]


class StageTranslator(DagsterDbtTranslator):
    """Groups, owners and one check per model; the rest is dbt's own description of itself.

    An event for each of the tests in Dagster's log takes longer than the build itself, so the tests
    of a model are one check of it, which says how many passed and names those that did not.
    """

    def __init__(self) -> None:
        # A view is as new as what it reads, so that nothing need be built for it to be.
        super().__init__(
            DagsterDbtTranslatorSettings(
                enable_asset_checks=True, enable_dbt_views_as_virtual_assets=True
            )
        )

    def get_group_name(self, dbt_resource_props: Props) -> str | None:
        return stage_of(dbt_resource_props)

    def get_owners(self, dbt_resource_props: Props) -> list[str]:
        return [OWNERS.get(stage_of(dbt_resource_props), DATA_TEAM)]

    def get_asset_check_spec(
        self,
        asset_spec: dg.AssetSpec,
        manifest: Mapping[str, Any],
        unique_id: str,
        project: DbtProject | None,
    ) -> dg.AssetCheckSpec | None:
        home = home_of_test(manifest, unique_id)
        if home is None or self.get_asset_key(manifest["nodes"][home]) != asset_spec.key:
            return None
        return dg.AssetCheckSpec(
            TESTS,
            asset=asset_spec.key,
            blocking=True,
            description="All dbt tests of this model; one that fails stops the build.",
        )


def stage_of(props: Props) -> str:
    """The group of a dbt node: where its file lies, unless its meta or its name says otherwise."""
    asked = props.get("meta", {}).get("dagster", {}).get("group")
    if asked:
        return str(asked)
    if props.get("resource_type") == "model" and props["name"] in AFTER_THE_PAYOUT:
        return BOOKS
    folder = Path(props["original_file_path"]).parts
    return folder[1] if folder[0] == "models" else folder[0]


def home_of_test(manifest: Mapping[str, Any], unique_id: str) -> str | None:
    """The one node that shows a test: the one it is written at, else the last that it reads."""
    nodes, test = manifest["nodes"], manifest["nodes"][unique_id]
    read = [name for name in test["depends_on"]["nodes"] if name in nodes]
    attached = test.get("attached_node")
    if attached in nodes:
        return str(attached)
    return max(read, key=lambda name: (STAGES.index(stage_of(nodes[name])), name), default=None)


def is_after_the_payout(props: Props) -> bool:
    """Whether the node stands after the payout on the graph."""
    return stage_of(props) == BOOKS
