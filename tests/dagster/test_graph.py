"""The Dagster graph and the decisions of its sensor, without running a build."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestrator.config import Environment, Settings
from orchestrator.definitions import build_definitions
from orchestrator.defs.dbt_translator import stage_of
from orchestrator.defs.partitions import payout_windows
from orchestrator.errors import SettleError
from orchestrator.services.run_job import run_job
from orchestrator.settlement.close import latest_closed, store_closes
from orchestrator.settlement.windows import partition_key

CHECKS = {
    "conservation",
    "contradicted_close",
    "data_exceptions",
    "unusual_total",
    "stale_sources",
}


@pytest.fixture(scope="module")
def definitions(settings: Settings) -> dg.Definitions:
    return build_definitions(settings)


def key(*parts: str) -> dg.AssetKey:
    return dg.AssetKey(list(parts))


def test_the_gate_stands_between_the_close_and_the_payout(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert graph.get(key("finance", "wallet_checks")).parent_keys == {key("marketplace", "sellers")}
    assert graph.get(key("approval")).parent_keys == {key("window_close")}
    assert graph.get(key("payout_batch")).parent_keys == {key("approval")}
    assert graph.get(key("halfin", "webhook_events")).parent_keys == {key("payout_batch")}
    assert graph.get(key("rail_reconciliation")).parent_keys == {
        key("payout_batch"),
        key("halfin", "webhook_events"),
    }
    close = graph.get(key("window_close"))
    assert any("int_settlement__computed" in k.path for k in close.parent_keys)


def test_one_graph_leads_from_the_sources_to_the_reconciliation(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    before = graph.get_ancestor_asset_keys(key("rail_reconciliation"))
    assert {key("marketplace", "orders"), key("approval"), key("window_close")} <= before
    for node in graph.asset_nodes:
        assert node.group_name != "default", node.key
        assert node.owners, node.key
        assert node.kinds, node.key
        assert node.description, node.key


def test_public_marts_show_their_columns_and_one_check_of_their_tests(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    node = graph.get(key("seller_settlement_v1"))
    schema = node.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert [c.name for c in schema.columns][:3] == ["seller_id", "payout_window", "gross"]
    assert all(c.description for c in schema.columns)
    assert node.check_keys == {dg.AssetCheckKey(key("seller_settlement_v1"), "tests")}


def test_the_marts_after_the_payout_stand_there() -> None:
    """Their place follows from what they read and from the name, or from their meta."""
    model: dict[str, object] = {
        "resource_type": "model",
        "original_file_path": "models/marts/x.sql",
    }
    assert stage_of({**model, "name": "seller_settlement"}) == "marts"
    assert stage_of({**model, "name": "reconciliation"}) == "books"
    asked = {"dagster": {"group": "books"}}
    assert stage_of({**model, "name": "mine", "meta": asked}) == "books"


def test_the_close_is_judged_by_every_check_that_the_mart_knows(
    definitions: dg.Definitions,
) -> None:
    checks = definitions.resolve_asset_graph().get(key("window_close")).check_keys
    assert {check.name for check in checks} == CHECKS
    job = definitions.resolve_job_def("close")
    assert checks <= job.asset_layer.asset_graph.asset_check_keys


@pytest.mark.parametrize(
    ("environment", "is_on"), [("production", True), ("demo", True), ("development", False)]
)
def test_only_a_real_installation_acts_by_itself(
    settings: Settings, environment: str, is_on: bool
) -> None:
    there = replace(settings, environment=Environment(environment))
    found = build_definitions(there)
    assert {s.default_status.value == "RUNNING" for s in found.sensors or []} == {is_on}
    assert {s.default_status.value == "RUNNING" for s in found.schedules or []} == {is_on}


def test_a_close_runs_every_model_once(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("close")
    steps = [node.name for node in job.graph.nodes]
    assert len([name for name in steps if name == "settlement_models"]) == 1
    models = [
        k
        for k in definitions.resolve_asset_graph().executable_asset_keys
        if k.path[-1]
        not in ("window_close", "payout_batch", "wallet_checks", "rail_reconciliation")
    ]
    assert set(models) <= set(job.asset_layer.executable_asset_keys)


@pytest.mark.parametrize("label", ["2025-W53", "2026-W00", "2026-W54", "26-W01", "2026-W1"])
def test_a_week_that_does_not_exist_has_no_partition(label: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        partition_key(label)


def test_partitions_reach_up_to_the_clock_that_was_set(settings: Settings) -> None:
    ahead = datetime.now(UTC) + timedelta(days=40)
    ended = ahead - timedelta(days=ahead.weekday() + 7)
    moved = Settings(**{**settings.__dict__, "now": ahead.isoformat()})
    assert ended.date().isoformat() in payout_windows(moved).get_partition_keys()
    assert ZoneInfo("UTC").key == payout_windows(moved).timezone


def test_the_sensor_says_what_the_database_says(
    settings: Settings, definitions: dg.Definitions
) -> None:
    sensor = definitions.resolve_sensor_def("approval_sensor")
    with dg.instance_for_test() as instance, dg.build_sensor_context(instance) as context:
        data = sensor.evaluate_tick(context)
    assert data.run_requests == []
    assert "has no stored close" in str(data.skip_message)


def test_the_payout_asset_refuses_by_hand_too(settings: Settings) -> None:
    window = latest_closed(settings)
    with pytest.raises(SettleError, match=f"window {window} has no stored close"):
        run_job(settings, "pay", partition_key(window))


def test_a_close_without_a_build_says_so(settings: Settings) -> None:
    with pytest.raises(SettleError, match="run: settle build"):
        store_closes(settings, "2026-W46")
