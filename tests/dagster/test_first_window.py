"""Where the graph's partitions begin: with the data, unless dbt_project.yml says otherwise."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.defs import partitions
from orchestrator.defs.partitions import first_window, payout_windows
from orchestrator.demo.generate import generate
from orchestrator.project_variables import project_variables
from orchestrator.settlement.windows import partition_key, window_label
from tests.support.closed_week import OPEN_WINDOW, WINDOW, WINDOW_BEFORE, closed_week
from tests.support.settings import at, make_settings

NOW = datetime(2026, 11, 17, 8, tzinfo=UTC)


def test_an_empty_marketplace_offers_the_last_window_and_data_its_own(settings: Settings) -> None:
    there = at(settings, NOW)
    assert first_window(there) == WINDOW
    with connect(there, Component.OWNER) as owner:
        generate(owner, sellers=3, weeks=4, until=NOW)
        [oldest] = owner.execute("select min(ordered_at) from marketplace.orders").fetchone() or ()
    first = first_window(there)
    assert first == window_label(oldest.date().isoformat())
    assert first < WINDOW_BEFORE
    keys = payout_windows(there).get_partition_keys()
    assert keys[0] == partition_key(first)
    assert partition_key(WINDOW) in keys


def test_a_go_live_comes_before_what_was_settled_elsewhere(settings: Settings) -> None:
    there = at(settings, NOW)
    go_live = (
        "insert into finance.go_lives (payout_window, starts_at, note, approved_by, approved_at)"
        " values (%s, %s, 'x', 'ben', now())"
    )
    with connect(there, Component.OWNER) as owner:
        generate(owner, sellers=3, weeks=4, until=NOW)
        owner.execute(go_live, [WINDOW_BEFORE, datetime(2026, 11, 2, tzinfo=UTC)])
    assert first_window(there) == WINDOW_BEFORE


def test_no_window_is_offered_before_the_first_stored_close() -> None:
    there = closed_week().copy()
    with connect(there, Component.OWNER) as owner:
        [oldest] = owner.execute("select min(ordered_at) from marketplace.orders").fetchone() or ()
        [stored] = owner.execute(
            "select payout_window from finance.window_closes order by 1 limit 1"
        ).fetchone() or ("",)
    assert first_window(there) == stored > window_label(oldest.date().isoformat())


def test_a_window_that_somebody_set_holds(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = project_variables() | {"first_window": OPEN_WINDOW}
    monkeypatch.setattr(partitions, "project_variables", lambda: variables)
    assert first_window(settings) == OPEN_WINDOW


def test_the_graph_loads_where_the_database_does_not_answer(tmp_path: Path) -> None:
    nobody = dict.fromkeys(Component, f"postgresql://settle@/settle?host={tmp_path}")
    keys = payout_windows(replace(make_settings(tmp_path), urls=nobody)).get_partition_keys()
    assert len(keys) == 1  # the last window that ended
