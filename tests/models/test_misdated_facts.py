"""Facts with an instant that cannot be: listed with their reason, and everybody else is settled."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest

from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect
from orchestrator.dbt.rules import rule
from tests.models.worlds import Marketplace, insert_go_live, lived
from tests.reference import model
from tests.reference.facts import GoLive
from tests.reference.rows import DAY, MONDAY, charge, fee, history, order, seller
from tests.simulation.lab import lab
from tests.support.settings import at

LAG = timedelta(minutes=15)
TYPED = ("-infinity", "4713-01-01 00:00+00 BC", "0026-01-05 00:00+00", "20260-01-05 00:00+00")
TYPED = (*TYPED, "294276-12-31 00:00+00", "infinity")
# Of each table a row; its id, and then its instants, are what is asked for.
ROWS = {
    "orders": "(order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at)"
    " values (%s, 'c', 's1', 'USD', 100, %s, %s)",
    "order_fees": "(fee_id, order_id, seller_id, fee_type, amount, charged_at, recorded_at)"
    " values (%s, 'o1', 's1', 'commission', 7, %s, %s)",
    "refunds": "(refund_id, order_id, seller_id, amount, reason, refunded_at, recorded_at)"
    " values (%s, 'o1', 's1', 8, 'a test', %s, %s)",
    "dispute_events": "(dispute_event_id, dispute_id, order_id, seller_id, event_type, amount,"
    " occurred_at, recorded_at) values (%s, 'd1', 'o1', 's1', 'opened', 9, %s, %s)",
    "seller_charges": "(charge_id, seller_id, charge_type, amount, charged_at, recorded_at)"
    " values (%s, 's1', 'storage', 6, %s, %s)",
}
LISTED = """
select source_table, source_id, reason, is_without_effect, known_at::text
from settlement.data_exceptions order by 1, 2
"""
SETTLED = """
select payout_window, gross, fees, charges, net, status from settlement.seller_settlement
order by window_starts_at
"""
GOOD = history(seller(), order(), fee("f1", "5.00"), charge("c1", "3.00"))


@pytest.fixture
def live() -> Iterator[Marketplace]:
    with lived([]) as live:
        live.add(GOOD)
        yield live


def mistype(live: Marketplace, recorded_at: str | None) -> set[tuple[str, str]]:
    """A fact of each table for each absurd instant, its own and that of its row; answers which."""
    typed = set()
    with connect(live.settings, Component.OWNER) as owner:
        for table, row in ROWS.items():
            query = f"insert into marketplace.{table} {row}".encode()
            for number, instant in enumerate(TYPED):
                owner.execute(query, [f"own-{number}", instant, recorded_at or instant])
                typed.add((table, f"own-{number}"))
                if number > 2:  # recorded too early moves nothing, and is none of them
                    owner.execute(query, [f"row-{number}", MONDAY, instant])
                    typed.add((table, f"row-{number}"))
    return typed


def build(live: Marketplace, week: int, *, is_full: bool = False) -> None:
    lab().project.build(at(live.settings, MONDAY + week * 7 * DAY + LAG), full_refresh=is_full)


def close(live: Marketplace, week: int) -> None:
    build(live, week)
    window = model.window_of(MONDAY + (week - 1) * 7 * DAY, ZoneInfo("UTC"))
    with connect(live.settings, Component.ORCHESTRATOR) as connection:
        connection.execute("select finance.store_close(%s)", [window.label])


def listed(live: Marketplace) -> set[tuple[str, str]]:
    rows = live.select(LISTED)
    assert all(row[2:4] == ("invalid_instant", True) for row in rows), rows
    return {(row[0], row[1]) for row in rows}


@pytest.mark.parametrize("is_recorded_too", [False, True])
@pytest.mark.parametrize("has_go_live", [False, True])
def test_the_first_build_ends_and_settles_everybody_else(
    live: Marketplace, *, has_go_live: bool, is_recorded_too: bool
) -> None:
    if has_go_live:
        with connect(live.settings, Component.OWNER) as owner:
            insert_go_live(owner, GoLive(MONDAY))
    build(live, 3)
    settled = live.select(SETTLED)
    typed = mistype(live, None if is_recorded_too else "2026-01-20 12:00+00")
    build(live, 3, is_full=True)
    assert listed(live) == typed
    assert live.select(SETTLED) == settled
    assert [str(row[4]) for row in settled] == ["-3.00", "92.00", "92.00", "92.00"]


def test_a_build_after_closes_lists_what_came_since_and_goes_on(live: Marketplace) -> None:
    for week in (1, 2, 3):
        close(live, week)
    build(live, 4)
    settled = live.select(SETTLED)
    typed = mistype(live, "2026-01-27 12:00+00")
    build(live, 4)
    assert listed(live) == typed
    assert live.select(SETTLED) == settled
    weekly = live.select(LISTED)
    build(live, 4, is_full=True)
    assert live.select(LISTED) == weekly
    for week in (4, 5):
        close(live, week)
    assert live.select(LISTED) == weekly


def test_it_is_listed_from_when_it_was_recorded(live: Marketplace) -> None:
    """So many at once stop that window's payout, as other bad facts do. One whose row was recorded
    never is listed always, without an instant."""
    mistype(live, "2026-01-20 12:00+00")
    build(live, 2)
    before = listed(live)
    build(live, 3)
    assert {source_id for _, source_id in before} == {"row-3", "row-4", "row-5"}
    at_all = {(row[1][:3], row[4]) for row in live.select(LISTED)}
    assert at_all == {("own", "2026-01-20 12:00:00+00"), ("row", None)}


@pytest.mark.parametrize(
    ("instant", "is_misdated"),
    [
        ("1999-12-31T23:59:59.999999Z", True),
        ("2000-01-01T00:59:59.999999+01:00", True),
        ("2000-01-01T00:00:00Z", False),
        ("1999-12-31T23:00:00-01:00", False),
        ("2099-12-31T23:59:59.999999Z", False),
        ("2100-01-01T00:59:59+01:00", False),
        ("2100-01-01T00:00:00Z", True),
        ("2099-12-31T23:00:00-01:00", True),
    ],
)
def test_files_and_models_have_the_same_bounds(
    loading: psycopg.Connection[Any], instant: str, *, is_misdated: bool
) -> None:
    judged = rule("is_misdated('at', 'at')")
    [row] = loading.execute(
        f"select {judged}, pg_temp.load_instant_fault(%(at)s::text),"
        " pg_temp.import_other_instant(replace(%(at)s::text, 'Z', '+00:00'), '', null)"
        " from (values (%(at)s::timestamptz)) as v (at)".encode(),
        {"at": instant},
    )
    by_rule, by_loader, by_import = row
    assert by_rule == is_misdated
    assert bool(by_loader) == is_misdated
    assert by_import.startswith("!") == is_misdated


@pytest.fixture(scope="module")
def loading() -> Iterator[psycopg.Connection[Any]]:
    """A session with the functions by which files are read."""
    with lived([]) as live, connect(live.settings, Component.OWNER) as owner:
        for file in ("sql/begin.sql", "imports/sql/begin.sql"):
            owner.execute((PROJECT_ROOT / "orchestrator/loading" / file).read_bytes())
        yield owner
