"""What is for a cluster, on a Postgres of its own: one clear line, and nothing is changed."""

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt import distribution
from orchestrator.dbt.distribution import distribute, rebalance
from orchestrator.errors import SettleError


def said(call: object, settings: Settings) -> str:
    with pytest.raises(SettleError) as refused:
        call(settings)  # type: ignore[operator]
    return str(refused.value)


def test_nothing_is_distributed_before_the_project_says_so(settings: Settings) -> None:
    assert said(distribute, settings) == (
        "dbt_project.yml says distributed: false: set it to true, then run settle db distribute"
    )


def test_one_machine_has_nothing_to_distribute(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "is_distributed", lambda: True)
    assert said(distribute, settings).startswith("this database has no Citus: create extension")
    assert said(rebalance, settings) == "this database has no Citus: there is nothing to rebalance"


def test_facts_in_a_table_of_a_team_are_left_there(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distribution, "is_distributed", lambda: True)
    monkeypatch.setattr(distribution, "source_table", lambda name: ("shop", name))
    assert said(distribute, settings).startswith("orders are read from shop.orders, which is yours")


def test_a_build_for_a_cluster_is_refused_on_one_machine(settings: Settings) -> None:
    with pytest.raises(SettleError) as refused, connect(settings, Component.DBT) as dbt:
        dbt.execute("select finance.require_distributed()")
    assert str(refused.value) == (
        "dbt_project.yml says distributed: true, and finance.window_close_entries is on one"
        " machine: run settle db distribute, or set it to false"
    )
