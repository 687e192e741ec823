"""The reading against figures that somebody else worked out, row by row and to the cent."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.support.settings import HOSTILE, OLIST

from . import model, samples
from .csv_files import joined, read_facts, read_rows
from .facts import Facts, key_of
from .settings import Settings
from .windows import window_of

OLIST_INSTANTS = {
    "utc-2018-07-04": ("2018-07-04T12:00:00Z", "UTC"),
    "sao_paulo-2018-02-27": ("2018-02-27T15:00:00Z", "America/Sao_Paulo"),
}
VIEWS = {
    "seller_settlement": model.settlement_rows,
    "seller_health": model.health_rows,
    "seller_reserve": model.reserve_rows,
}


@pytest.fixture(scope="module")
def hostile() -> Path:
    if not HOSTILE.is_dir():
        pytest.skip(f"no hostile sample at {HOSTILE}: the expected figures were not compared")
    return HOSTILE


@pytest.fixture(scope="module")
def olist_facts() -> Facts:
    if not OLIST.is_dir():
        pytest.skip(f"no Olist sample at {OLIST}: the expected figures were not compared")
    return read_facts(OLIST)


@pytest.mark.parametrize("name", samples.INSTANTS)
def test_figures_of_the_hostile_sample_are_the_expected_ones(hostile: Path, name: str) -> None:
    assert_equal(samples.sample(hostile, name).ledger(), hostile / "expected" / name)


@pytest.mark.parametrize("name", OLIST_INSTANTS)
def test_olist_figures_are_the_expected_ones(olist_facts: Facts, name: str) -> None:
    at, zone = OLIST_INSTANTS[name]
    ledger = model.keep(olist_facts, datetime.fromisoformat(at), Settings(ZoneInfo(zone)))
    assert_equal(ledger, OLIST / "expected" / name)


def test_late_rows_leave_stored_windows_alone_and_are_posted_for_ever(hostile: Path) -> None:
    before = read_facts(hostile)
    late = samples.sample(hostile, "late-2021-01-18")
    was = model.keep(before, late.as_of, late.settings)
    is_now = late.ledger()
    assert rows_until(is_now) == rows_until(was) != []

    # All that came late, but for what would have been known later anyway, with its order.
    came = {(r["table"], r["seller_id"], r["id"]) for r in read_rows(hostile / "posted.csv")}
    orders = is_now.screened.orders.values()
    known_later = {o.key for o in orders if o.known_at >= samples.STORED_UNTIL}
    waiting = {
        key_of(fact)
        for fact in late.facts.children()
        if (fact.seller_id, fact.order_id) in known_later
    }
    posted = is_now.screened.posted
    assert posted == dict.fromkeys(came - waiting, samples.STORED_UNTIL)
    assert len(posted) > 35
    assert {is_now.screened.places[key] >= samples.STORED_UNTIL for key in came} == {True}
    window = window_of(samples.STORED_UNTIL, late.settings.timezone)
    posting = model.close(late.facts, window, late.settings, late.posting)
    assert posting.posted == posted
    assert_equal(replace(late, posting=posting).ledger(), hostile / "expected/late-2021-01-18")


def test_one_folder_holds_what_the_other_two_do(hostile: Path) -> None:
    both = joined(read_facts(hostile), read_facts(hostile / "late"))
    every = read_facts(hostile / "all")
    for table in ("orders", "order_fees", "refunds", "dispute_events", "seller_charges"):
        assert set(getattr(both, table)) == set(getattr(every, table))


def rows_until(ledger: model.Ledger) -> list[model.SettlementRow]:
    """The rows of the windows that were stored when the late rows came."""
    rows = model.settlement_rows(ledger)
    return [row for row in rows if row.window_ends_at <= samples.STORED_UNTIL]


def assert_equal(ledger: model.Ledger, directory: Path) -> None:
    for view, read in VIEWS.items():
        with (directory / f"{view}.csv").open(encoding="utf-8") as file:
            expected = list(csv.DictReader(file))
        rows = [{column: shown(row, column) for column in expected[0]} for row in read(ledger)]
        by_key = {(row["seller_id"], row.get("payout_window")): row for row in rows}
        assert len(by_key) == len(rows) == len(expected), view
        for row in expected:
            assert by_key[row["seller_id"], row.get("payout_window")] == row, view


def shown(row: object, column: str) -> str:
    value = getattr(row, column)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and column != "order_count":
        return str(Decimal(value).scaleb(-2))
    return str(value)
