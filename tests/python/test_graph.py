"""The Dagster graph and the decisions of its sensor, without running a build."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from orchestrator.close import store_closes
from orchestrator.config import Settings
from orchestrator.definitions import build_definitions
from orchestrator.errors import SettleError
from orchestrator.jobs import decide
from orchestrator.partitions import partition_key, payout_windows
from orchestrator.run_job import run_job


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
    close = graph.get(key("window_close"))
    assert any("int_settlement__computed" in k.path for k in close.parent_keys)


def test_a_close_runs_every_model_once(definitions: dg.Definitions) -> None:
    job = definitions.resolve_job_def("close")
    steps = [node.name for node in job.graph.nodes]
    assert len([name for name in steps if name == "settlement_models"]) == 1
    models = [
        k
        for k in definitions.resolve_asset_graph().executable_asset_keys
        if k not in (key("window_close"), key("payout_batch"), key("finance", "wallet_checks"))
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


BATCH = {"batch_id": 7, "tries": 2, "approval_id": 3}


@pytest.mark.parametrize("state", ["frozen", "submitting", "unknown"])
def test_what_was_frozen_and_not_answered_is_resumed(state: str) -> None:
    asked = decide("2026-W46", ["is in batch 7 already"], {**BATCH, "state": state})
    assert isinstance(asked, dg.RunRequest)
    assert (asked.partition_key, asked.run_key) == ("2026-11-09", "2026-W46/resume/7/2")


def test_an_accepted_batch_is_left_alone() -> None:
    answer = decide("2026-W46", ["is in batch 7 already"], {**BATCH, "state": "accepted"})
    assert isinstance(answer, dg.SkipReason)


def test_a_tick_says_everything_that_is_missing() -> None:
    answer = decide("2026-W46", ["not approved", "due at Tuesday"], None)
    assert isinstance(answer, dg.SkipReason)
    assert answer.skip_message == "not approved; due at Tuesday"


def test_nothing_in_the_way_asks_for_the_payout() -> None:
    asked = decide("2026-W46", [], {**BATCH, "batch_id": None, "state": None})
    assert isinstance(asked, dg.RunRequest)
    assert (asked.partition_key, asked.run_key) == ("2026-11-09", "2026-W46/approved/3")


def test_the_sensor_says_what_the_database_says(
    settings: Settings, definitions: dg.Definitions
) -> None:
    sensor = definitions.resolve_sensor_def("approval_sensor")
    with dg.build_sensor_context() as context:
        data = sensor.evaluate_tick(context)
    assert data.run_requests == []
    assert "has no stored close" in str(data.skip_message)


def test_the_payout_asset_refuses_by_hand_too(settings: Settings) -> None:
    with pytest.raises(SettleError, match="window 2026-W46 has no stored close"):
        run_job(settings, "pay", "2026-11-09")


def test_a_close_without_a_build_says_so(settings: Settings) -> None:
    with pytest.raises(SettleError, match="run: settle build"):
        store_closes(settings, "2026-W46")
