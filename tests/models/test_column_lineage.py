"""Column lineage, from the SQL that a real build compiled."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Settings
from orchestrator.dbt.column_lineage import ColumnLineage, Lineage
from orchestrator.dbt.column_lineage import _sources_of as sources_of
from tests.support.closed_week import closed_week
from tests.support.settings import make_settings

NET = "model.settle.seller_settlement.v1"


@pytest.fixture
def build(tmp_path: Path) -> tuple[Settings, dict[str, Any], Path]:
    """Settings, the manifest, and a copy of what was compiled and of what was read from it."""
    week = closed_week()
    folder = week.home / "dbt"
    shutil.copytree(folder / "target-build" / "compiled", tmp_path / "target" / "compiled")
    (tmp_path / "home" / "dbt").mkdir(parents=True)
    shutil.copy(folder / "column_lineage.json", tmp_path / "home" / "dbt")  # what the close read
    settings = replace(make_settings(tmp_path / "home"), urls=week.copy().urls)
    manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return settings, manifest, tmp_path / "target"


def column_lineage(
    settings: Settings, manifest: dict[str, Any], target: Path
) -> dict[str, Lineage]:
    """Of every model that has one, kept as after a build."""
    lineage = ColumnLineage(settings, manifest, target)
    found = {name: lineage.of(name) for name in manifest["nodes"]}
    lineage.keep()
    return {name: columns for name, columns in found.items() if columns}


def sources(lineage: dict[str, Lineage], model: str, column: str) -> set[str]:
    return {f"{node.split('.')[2]}.{name}" for node, name in lineage[model][column]}


def test_columns_are_followed_through_ctes_and_joins(
    build: tuple[Settings, dict[str, Any], Path],
) -> None:
    lineage = column_lineage(*build)
    assert sources(lineage, NET, "net") == {"int_settlement.net_minor"}
    assert sources(lineage, NET, "status") == {
        "int_settlement.hold_reasons",
        "int_settlement.window_ends_at",
        "int_payout_lines__as_of.line_state",
        "stg_finance__current_holds.hold_reasons",
    }
    staged = "model.settle.stg_marketplace__orders"
    assert {node for node, _ in lineage[staged]["gross_amount"]} == {
        "source.settle.marketplace.orders"
    }
    models = {name for name in build[1]["nodes"] if name.startswith("model.")}
    assert set(lineage) == models
    for model in models:  # each documented column is there under its own name
        assert set(build[1]["nodes"][model]["columns"]) <= set(lineage[model]), model


def test_a_change_is_read_and_nothing_else_is(
    build: tuple[Settings, dict[str, Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = column_lineage(*build)
    with monkeypatch.context() as patch:
        patch.setattr("orchestrator.dbt.column_lineage._read", None)
        assert column_lineage(*build) == first
    [file] = build[2].rglob("int_usual_lines.sql")
    file.write_text("select seller_id, payout_window as usual from settlement_core.int_settlement")
    [usual] = [name for name in first if name.endswith("int_usual_lines")]
    read = []
    whole = sources_of
    monkeypatch.setattr(
        "orchestrator.dbt.column_lineage._sources_of",
        lambda statement, *rest: read.append(statement) or whole(statement, *rest),
    )
    assert sources(column_lineage(*build), usual, "usual") == {"int_settlement.payout_window"}
    assert read == [file.read_text()]


def test_what_cannot_be_read_is_left_out_and_named(
    build: tuple[Settings, dict[str, Any], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    [file] = build[2].rglob("int_usual_lines.sql")
    file.write_text("select from from where")
    lineage = column_lineage(*build)
    assert not [name for name in lineage if name.endswith("int_usual_lines")]
    assert sources(lineage, NET, "net") == {"int_settlement.net_minor"}
    assert "no column lineage of model.settle.int_usual_lines: " in capsys.readouterr().out
