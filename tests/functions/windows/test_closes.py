"""Storing a close: once, in order, from the right build, and for good."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import psycopg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.functions.market import (
    CLOSE,
    LAG,
    LINES,
    MONDAY,
    NEXT_WINDOW,
    STORE,
    WEEK,
    WINDOW,
    Line,
    Market,
)
from tests.functions.payment_server import DBT, ORCHESTRATOR, OWNER


@pytest.fixture
def market() -> Iterator[Market]:
    with Market.open() as market:
        market.at(CLOSE)
        market.build(*LINES)
        yield market


EXPECTED = """
explain (format json) select from finance.window_close_rows where payout_window = %s
"""


def test_a_close_is_stored_once(market: Market) -> None:
    assert market.store(WINDOW) is True
    market.build(*(Line(line.seller, 1) for line in LINES))
    assert market.store(WINDOW) is False
    rows = market.rows(
        "dora", "select seller_id, net_minor from finance.window_close_rows order by seller_id"
    )
    assert [tuple(r.values()) for r in rows] == [(x.seller, x.net_minor) for x in LINES]
    [close] = market.rows("dora", "select * from finance.window_closes")
    assert (close["row_count"], close["net_minor"]) == (3, 112_352)
    assert (close["settlement_timezone"], close["currency"]) == ("UTC", "USD")
    assert (close["closed_at"], close["closed_by"]) == (CLOSE, ORCHESTRATOR)


def test_the_rows_of_a_close_are_expected_once_it_is_stored(market: Market) -> None:
    """Expected to be one, they were joined each with each by the query of a window's page."""
    lines = [Line(f"seller-{number}", 100) for number in range(50)]
    market.close(*lines)
    [[plan]] = market.rows(OWNER, EXPECTED, WINDOW)[0].values()
    assert plan["Plan"]["Plan Rows"] == len(lines)


# What stored weeks leave: entries and facts of the first close, and an adjustment of then.
HISTORY = """
insert into finance.adjustments (
    seller_id, amount_minor, reason, entered_by, entered_at, approved_by, approved_at
)
values ('s1', 5, 'goodwill', 'ana', %(at)s, 'ben', %(at)s);
insert into finance.window_close_entries
select
    %(window)s, 'adjustment', a.adjustment_id::text, null, a.seller_id, 5, %(at)s, %(at)s, %(at)s
from finance.adjustments as a;
insert into finance.window_close_entries
select %(window)s, 'fee', 'fee-' || n, 'order', 's1', -1, %(at)s, %(at)s, %(at)s
from generate_series(1, 50000) as n;
insert into finance.window_close_facts
select %(window)s, 'refunds', 'refund-' || n, 'order', 's1', null
from generate_series(1, 50000) as n;
analyze finance.window_close_entries, finance.window_close_facts
"""
READ = """
select relname, seq_tup_read from pg_stat_xact_user_tables
where relname in ('window_close_entries', 'window_close_facts') order by 1
"""


def test_what_a_close_reads_does_not_grow_with_the_weeks_before(market: Market) -> None:
    market.store(WINDOW)
    for statement in HISTORY.split(";"):
        market.rows(OWNER, statement, window=WINDOW, at=MONDAY)
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    market.hand_over()
    with connect(market.settings, Component.ORCHESTRATOR) as database:
        assert database.execute(STORE.encode(), [NEXT_WINDOW]).fetchone() == (True,)
        assert database.execute(READ.encode()).fetchall() == [
            ("window_close_entries", 0),
            ("window_close_facts", 0),
        ]


def test_an_open_window_is_refused(market: Market) -> None:
    market.at(CLOSE - timedelta(seconds=1))
    assert market.refused_store(WINDOW) == (
        "window 2026-W47 is still open: it closes at 2026-11-23 00:15:00+00"
    )


def test_an_unknown_window_is_refused(market: Market) -> None:
    assert market.refused_store("2026-W60") == (
        "window 2026-W60 does not exist: there are those from 2026-W47 to 2026-W47"
    )


def test_a_build_from_before_the_end_is_refused(market: Market) -> None:
    market.build(*LINES, as_of=CLOSE - timedelta(seconds=1))
    assert market.refused_store(WINDOW) == (
        "window 2026-W47 was computed as of 2026-11-23 00:14:59+00, before its end: build again"
    )


def test_a_build_that_did_not_end_is_refused(market: Market) -> None:
    market.rows(OWNER, "update finance.build_instants set completed_at = null")
    assert market.refused_store(WINDOW) == (
        "the last build of the live schemas is not whole: build all of it, then close 2026-W47"
    )


def test_windows_are_stored_in_order(market: Market) -> None:
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    market.rows(
        OWNER,
        "insert into settlement.windows values (%s, %s, %s, %s)",
        *(WINDOW, MONDAY, MONDAY + WEEK, CLOSE + WEEK),
    )
    assert market.refused_store(NEXT_WINDOW) == (
        "window 2026-W47 has no stored close yet: close it before 2026-W48"
    )
    market.rows(OWNER, "delete from settlement.windows where payout_window = %s", WINDOW)
    assert market.store(NEXT_WINDOW) is True
    market.build(*LINES)
    assert market.refused_store(WINDOW) == (
        "window 2026-W47 is before 2026-W48, the latest stored close: it can no longer be stored"
    )


def test_a_build_from_before_the_last_close_is_refused(market: Market) -> None:
    market.store(WINDOW)
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    market.rows(OWNER, "update settlement_core.int_build set stored_until = %s", MONDAY - WEEK * 9)
    # Closes of one build follow one another; here another build stored the one in between.
    market.rows(
        OWNER, "update settlement.windows set window_starts_at = window_starts_at + %s", LAG
    )
    assert market.refused_store(NEXT_WINDOW) == (
        "window 2026-W48 was computed before 2026-W47 was stored: build again"
    )


def test_a_week_that_carries_in_something_else_is_refused(market: Market) -> None:
    market.store(WINDOW)
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    # As if the build had not seen what the last close left with this seller.
    market.rows(
        OWNER,
        "update settlement_core.int_settlement__computed set carried_forward_minor = 0,"
        " net_minor = net_minor - carried_forward_minor, hold_reasons = '{nothing_due}'"
        " where seller_id = %s",
        LINES[0].seller,
    )
    assert market.refused_store(NEXT_WINDOW) == (
        f"the row of seller {LINES[0].seller} in 2026-W48 does not carry in what 2026-W47 left:"
        " nothing was stored, build again"
    )


@pytest.mark.parametrize(
    ("setting", "value", "shown"),
    [
        ("settlement_timezone", "America/Sao_Paulo", "America/Sao_Paulo and USD"),
        ("currency", "EUR", "UTC and EUR"),
    ],
)
def test_zone_and_currency_stay_as_first_stored(
    market: Market, setting: str, value: str, shown: str
) -> None:
    market.store(WINDOW)
    market.at(CLOSE + WEEK)
    market.build(*LINES, weeks=1)
    market.rows(OWNER, f"update settlement_core.int_build set {setting} = %s", value)
    assert market.refused_store(NEXT_WINDOW) == (
        f"the closes so far are in UTC and USD, this build is in {shown}: neither may change"
        " once a close is stored"
    )


def test_a_row_that_is_not_the_sum_of_its_entries_is_refused(market: Market) -> None:
    market.rows(
        OWNER, "update settlement_core.int_entries set amount_minor = 8 where seller_id = 's2'"
    )
    assert market.refused_store(WINDOW) == (
        "the row of seller s2 in 2026-W47 is not the sum of its entries:"
        " nothing was stored, build again"
    )
    assert market.value("dora", "select count(*) from finance.window_closes") == 0


def test_an_entry_that_an_earlier_close_has_is_named(market: Market) -> None:
    """A fact that was edited after its close, so that a build computes it once more."""
    market.store(WINDOW)
    market.at(CLOSE + WEEK)
    market.build(*(Line(x.seller, x.net_minor + 1, x.rail) for x in LINES), weeks=1)
    market.rows(
        OWNER,
        "update settlement_core.int_entries set source_id = '2026-W47s2' where seller_id = 's2'",
    )
    assert market.refused_store(NEXT_WINDOW) == (
        "order 2026-W47s2 of seller s2 is in the close of 2026-W47 already and was computed for"
        " 2026-W48 again, as its fact was changed since: nothing was stored; put the fact back as"
        " it was and build again"
    )
    assert market.value("dora", "select count(*) from finance.window_closes") == 1


@pytest.mark.parametrize(
    "table",
    [
        "window_closes",
        "window_close_rows",
        "window_close_entries",
        "window_close_health",
        "window_close_sums",
    ],
)
def test_a_stored_close_is_append_only(market: Market, table: str) -> None:
    market.rows(
        OWNER,
        "insert into settlement_core.int_seller_health values"
        " (%s, 's1', 1, 0, 0, 100, 0, 0, null, '{}', false, '2026-11-01Z')",
        WINDOW,
    )
    market.store(WINDOW)
    assert market.value("dora", f"select count(*) from finance.{table}") > 0
    for verb, query in {
        "update": f"update finance.{table} set payout_window = payout_window",
        "delete": f"delete from finance.{table}",
        "truncate": f"truncate finance.{table} cascade",
    }.items():
        for role in ("dbt", ORCHESTRATOR, "webhook", "portal", "ana"):
            assert market.refusal(role, query).startswith("permission denied for ")
        assert market.refusal("dora", query).endswith("in a read-only transaction")
        for owner in (OWNER, "settle_owner"):
            market.rows(OWNER, "select set_config('role', %s, false)", owner)
            said = market.refusal(OWNER, query)
            assert said.startswith("finance.window_close")
            assert said.endswith(f"is append-only: {verb} refused; record a new row instead")


def test_a_handover_that_is_left_open_stops_no_decision() -> None:
    with Market.open() as market, market.connect(DBT, autocommit=False) as dbt:
        market.at(CLOSE)
        market.build(*LINES)
        market.hand_over()
        dbt.execute("set role settle_dbt")
        dbt.execute("select finance.begin_handover()")
        dbt.execute("truncate handover.close_rows")
        with market.connect(ORCHESTRATOR) as other, ThreadPoolExecutor(1) as pool:
            closing = pool.submit(other.execute, STORE.encode(), [WINDOW])
            assert market.value("ana", "select finance.hold_seller('s1', 'a look')") is True
            with pytest.raises(psycopg.errors.LockNotAvailable):
                closing.result()
        dbt.rollback()
        assert market.value(ORCHESTRATOR, STORE, WINDOW) is True


@pytest.mark.parametrize(
    ("holidays", "zone", "due"),
    [
        ([], "UTC", "2026-11-24T08:00Z"),
        (["2026-11-23", "2026-11-25"], "UTC", "2026-11-24T08:00Z"),
        (["2026-11-24"], "UTC", "2026-11-25T08:00Z"),
        (["2026-11-24", "2026-11-25"], "Europe/Berlin", "2026-11-26T07:00Z"),
        # Over the weekend.
        ([f"2026-11-{day}" for day in range(24, 28)], "UTC", "2026-11-30T08:00Z"),
        ([f"2026-11-{day}" for day in range(24, 31)], "UTC", "2026-12-01T08:00Z"),
    ],
)
def test_the_payout_day_is_a_tuesday_or_the_next_weekday_that_is_no_holiday(
    market: Market, holidays: list[str], zone: str, due: str
) -> None:
    query = "select finance.payout_due_at(%s, %s, %s::date[])"
    assert market.value("dora", query, MONDAY, zone, holidays) == datetime.fromisoformat(due)


def test_a_close_is_due_when_the_handed_over_holidays_say(market: Market) -> None:
    market.rows(OWNER, "insert into settlement_seeds.payout_holidays values ('2026-11-24', 'x')")
    assert "which is not its week in UTC: nothing was stored" in market.refused_store(WINDOW)
    market.rows(OWNER, "update settlement.windows set payout_due_at = payout_due_at + '1 day'")
    assert market.store(WINDOW)
    assert market.obstacles()[-1] == f"window {WINDOW} is due at 2026-11-25 08:00 UTC"
