"""The analyst's loop: what a change would move, whether it builds, and what a column means."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.dbt.builds import manifest_path
from orchestrator.dbt.changes import (
    AS_SELECTED,
    NO_JSON,
    READ_A_CHANGE,
    check_changes,
    parse_once,
)
from orchestrator.dbt.diff import MartDiff, diff_models
from orchestrator.dbt.git import fork_point, project_at
from orchestrator.dbt.runner import list_nodes, parse_project, run_dbt
from orchestrator.errors import SettleError
from tests.support.closed_week import ClosedWeek, closed_week
from tests.support.projects import changed_project

Changed = Callable[[str, str, str], Path]


@pytest.fixture(scope="module")
def week() -> ClosedWeek:
    return closed_week()


@pytest.fixture(scope="module")
def settings(week: ClosedWeek) -> Settings:
    return week.copy()


@pytest.fixture(scope="module")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Changed:
    """A copy of the dbt project in which one text of one file is another."""

    def copy(file: str, old: str, new: str) -> Path:
        folder = tmp_path_factory.mktemp("project") / "changed"
        return changed_project(folder, file, old, new)

    return copy


def moved(diffs: list[MartDiff]) -> dict[str, MartDiff]:
    return {mart.name: mart for mart in diffs if mart.rows_differing or mart.note}


@dataclass(frozen=True)
class Looked:
    """What a diff and a check of one change said, and the live views before and after both."""

    diffs: dict[str, MartDiff]
    built: list[str]
    before: list[dict[str, object]]
    after: list[dict[str, object]]


@pytest.fixture(scope="module")
def looked(settings: Settings, changed: Changed) -> Looked:
    """The diff goes from the working tree to a change; the check to the tree from another one."""
    before = live(settings)
    project = changed("dbt_project.yml", "review_score: 50", "review_score: 101")
    diffs = moved(diff_models(settings, PROJECT_ROOT, project))
    base = changed("models/marts/sellers/order_reserve.sql", "with", "-- before\nwith")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("USER", "nora")
        check_changes(settings, base)
    with connect(settings, Component.OWNER) as owner:
        found = rows(
            owner,
            "select distinct table_name from information_schema.tables"
            " where table_schema like 'dev\\_nora%'",
        )
    built = [str(row["table_name"]) for row in found]
    return Looked(diffs, built, before, live(settings))


def live(settings: Settings) -> list[dict[str, object]]:
    with connect(settings, Component.ORCHESTRATOR) as database:
        return rows(
            database,
            "select md5(string_agg(s::text, '' order by s::text)) as rows,"
            " (select completed_at from finance.build_instants"
            "   where target_schema = 'settlement') as completed_at"
            " from settlement.seller_settlement as s",
        )


def test_a_change_shows_the_rows_and_sums_it_moves_and_no_others(looked: Looked) -> None:
    found = looked.diffs
    # A seller above the least gross is flagged whatever the score; a flag holds the row.
    assert {"seller_health.v1", "seller_settlement.v1"} <= set(found)
    health = found["seller_health.v1"]
    assert 0 < health.rows_differing <= health.rows_after == health.rows_before
    assert all("needs_review" in row for row in health.top_rows if "{}" in row)
    assert not health.sums
    assert not {"entries", "windows", "order_reserve"} & set(found)


@pytest.mark.many("two more builds: make test has the diff of another change")
def test_money_that_moves_is_summed_before_and_after(settings: Settings, changed: Changed) -> None:
    project = changed("seeds/reserve_policies.csv", "00Z,7,", "00Z,14,")
    found = moved(diff_models(settings, PROJECT_ROOT, project))
    before, after = found["seller_settlement.v1"].sums["gross"]
    assert before != after
    [first, *_] = found["seller_settlement.v1"].top_rows
    assert " -> " in first or first.endswith((": new", ": gone"))


def built_into(settings: Settings, target: str) -> set[str]:
    """The relations in the schemas of a target."""
    with connect(settings, Component.OWNER) as owner:
        found = rows(
            owner,
            "select table_name from information_schema.tables"
            " where table_schema = %s or table_schema like %s || '\\_%%'",
            target,
            target,
        )
    return {str(row["table_name"]) for row in found}


def test_a_diff_builds_once_more_what_reads_the_change_and_nothing_else(
    settings: Settings, changed: Changed
) -> None:
    """Nor is anything left of the diff before, which had another change and another instant."""
    with connect(settings, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute("create table asof_settlement_core.of_before as select 1 as one")
    project = changed("models/marts/sellers/entries.sql", "with", "-- after\nwith")
    diffs = diff_models(settings, PROJECT_ROOT, project)
    assert built_into(settings, "asof_settlement") == {"entries", "seller_periods"}
    # As it was, what either reads; health and the books do not come into it.
    before = built_into(settings, "asof_base_settlement")
    assert {"entries", "seller_periods", "int_entries"} <= before
    assert not {"int_seller_health", "journal_entries"} & before
    assert {mart.name for mart in diffs if not mart.is_untouched} == {"entries", "seller_periods"}
    assert len(diffs) > 10
    assert moved(diffs) == {}


@pytest.mark.many("two more builds: make test checks one change")
def test_a_check_reads_what_did_not_change_where_the_live_build_left_it(
    settings: Settings, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not where a check before built it: that change may have been taken back."""
    monkeypatch.setenv("USER", "olga")
    check_changes(settings, changed("models/marts/sellers/entries.sql", "with", "-- one\nwith"))
    assert built_into(settings, "dev_olga") == {"entries", "seller_periods"}
    file = "models/marts/sellers/seller_periods.sql"
    check_changes(settings, changed(file, "with", "-- two\nwith"))
    with connect(settings, Component.OWNER) as owner:
        [view] = rows(
            owner, "select pg_get_viewdef('dev_olga.seller_periods'::regclass) as definition"
        )
    assert "settlement.entries" in view["definition"]
    assert "dev_olga.entries" not in view["definition"]


def test_the_live_views_stay_as_they_were(looked: Looked) -> None:
    assert looked.before == looked.after


def test_only_what_changed_is_built_beside_the_live_schemas(looked: Looked) -> None:
    assert looked.built == ["order_reserve"]


def test_a_check_runs_unit_tests_of_what_changed_and_of_what_reads_it_itself(
    settings: Settings, changed: Changed
) -> None:
    """Their rows come with them: nothing else can change what they find. A base is parsed once."""
    state = settings.home / "dbt" / "target-state"
    manifest, parsed_at = state / "manifest.json", []
    for text in ("-- one", "-- one", "-- two"):
        parse_once(settings, changed("models/core/facts/int_orders.sql", "with", text), state)
        parsed_at.append(manifest.stat().st_mtime_ns)
    assert parsed_at[0] == parsed_at[1] < parsed_at[2]
    chosen = ["--select", *READ_A_CHANGE, *AS_SELECTED, "--state", str(state), NO_JSON]
    manifest = parse_project(settings, [NO_JSON])
    found = set(list_nodes(settings, chosen, project=PROJECT_ROOT, manifest=manifest))
    of_models = {
        unit_test.model
        for unit_test in manifest.unit_tests.values()
        if f"unit_test:settle.{unit_test.name}" in found
    }
    assert {"int_orders", "int_order_fees"} <= of_models
    assert "seller_settlement" not in of_models
    assert {"settle.marts.sellers.entries", "settle.core.entries.int_entries"} <= found


@pytest.mark.many("two more builds: make test diffs and checks one change")
def test_an_edited_unit_test_runs_although_its_model_is_not_built(
    settings: Settings, changed: Changed
) -> None:
    name = "open_break_shows_its_age_and_the_line_it_is_about"
    [file] = [f for f in (PROJECT_ROOT / "models").rglob("*.yml") if name in f.read_text()]
    base = changed(str(file.relative_to(PROJECT_ROOT)), 'age_hours: "48.0"', 'age_hours: "49.0"')
    ids = [node.unique_id for node in check_changes(settings, base)]
    assert [i.rpartition(".")[2] for i in ids if i.startswith("unit_test.")] == [name]


@pytest.mark.many("two more builds: make test diffs and checks one change")
def test_a_generic_test_can_be_edited(settings: Settings, changed: Changed) -> None:
    """dbt, which parses what changed, then forgets a snapshot that uses it."""
    file = "tests/dbt/generic/primary_key.sql"
    project = changed(file, "{#-", "{#- edited")
    run_dbt(settings, ["parse"], project=project)
    shutil.copyfile(PROJECT_ROOT / file, project / file)
    run_dbt(settings, ["parse"], project=project)


def test_a_commit_that_is_not_there_is_one_clear_line() -> None:
    with pytest.raises(SettleError, match=r"no-such-branch.*name a commit that exists"):
        fork_point("no-such-branch")
    with project_at("HEAD") as base:
        assert (base / "dbt_project.yml").is_file()
    assert not base.exists()


def test_every_column_of_every_public_model_is_described(settings: Settings) -> None:
    manifest = json.loads(manifest_path(settings).read_text(encoding="utf-8"))
    public = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["access"] == "public"
    ]
    assert len(public) >= 10
    bare = [
        f"{model['name']}.{name}"
        for model in public
        for name, column in model["columns"].items()
        if not column["description"].strip()
    ]
    assert bare == []
    assert [m["name"] for m in public if not m["columns"] or not m["description"].strip()] == []
