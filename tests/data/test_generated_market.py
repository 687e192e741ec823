"""What is generated is clean and plausible: questions to eight weeks of 1,500 sellers."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.demo.generate import generate, make_wallet
from orchestrator.loading.csv_files import FACTS
from orchestrator.settlement.wallets import WalletFormat, check_wallet
from tests.data.load_files import Connection, ask

UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECIMALS = "case currency when 'JPY' then 0 when 'KWD' then 3 else 2 end"


@pytest.fixture(scope="module")
def market(settings: Settings) -> Iterator[Connection]:
    """To ask questions about."""
    with psycopg.connect(database_url(settings, Component.OWNER), autocommit=True) as connection:
        generate(connection, sellers=1500, until=UNTIL)
        yield connection


@pytest.mark.parametrize("source", FACTS, ids=lambda source: source.table)
def test_facts_are_within_the_time_and_recorded_after_they_happened(
    market: Connection, source: Any
) -> None:
    occurred = next(c for c in source.columns if c.endswith("_at") and c != "recorded_at")
    first, last, quickest, late_share = ask(
        market,
        f"select min({occurred}), max(recorded_at), min(recorded_at - {occurred}),"
        f" avg((recorded_at - {occurred} >= interval '1 hour')::int)"
        f" from marketplace.{source.table}",
    )
    assert first >= UNTIL - timedelta(weeks=8)
    assert last <= UNTIL
    assert quickest == timedelta(seconds=1)
    assert 0.002 < late_share < 0.02


@pytest.mark.parametrize(
    "fault",
    [
        "select 1 from marketplace.orders as o left join marketplace.sellers as s"
        " using (seller_id) where s.seller_id is null or o.ordered_at <= s.created_at",
        "select 1 from marketplace.order_fees as f left join marketplace.orders as o"
        " using (order_id, seller_id) where o.order_id is null or f.charged_at < o.ordered_at",
        "select 1 from marketplace.refunds as r left join marketplace.orders as o"
        " using (order_id, seller_id) where o.order_id is null or r.refunded_at <= o.ordered_at"
        " or r.amount not between 0.001 and o.gross_amount",
        "select 1 from marketplace.refunds as r inner join marketplace.orders as o"
        " using (order_id, seller_id) where r.reason not in ('bounced', 'made_again')"
        " and r.refunded_at > o.ordered_at + interval '20 days 1 minute'",
        "select 1 from marketplace.refunds as b left join marketplace.refunds as r"
        " on b.reverses_refund_id = r.refund_id and b.order_id = r.order_id"
        " and b.seller_id = r.seller_id where b.reverses_refund_id is not null"
        " and (r.refund_id is null or r.reverses_refund_id is not null or b.amount > r.amount"
        " or b.refunded_at <= r.recorded_at)",
        "select 1 from marketplace.refunds inner join marketplace.orders as o"
        " using (order_id, seller_id) group by seller_id, order_id having sum(case when"
        " reverses_refund_id is null then amount else -amount end) not between 0"
        " and min(gross_amount)",
        "select 1 from marketplace.dispute_events as d left join marketplace.orders as o"
        " using (order_id, seller_id) where o.order_id is null or d.amount > o.gross_amount",
        "select 1 from marketplace.dispute_events where amount <= 0"
        " or (amount is null) <> (event_type = 'withdrawn')",
        "select 1 from marketplace.dispute_events as d left join marketplace.dispute_events as o"
        " on d.dispute_id = o.dispute_id and d.order_id = o.order_id"
        " and d.seller_id = o.seller_id and o.event_type = 'opened'"
        " group by d.seller_id, d.dispute_event_id having count(o.dispute_id) = 0"
        " or min(o.occurred_at) > min(d.occurred_at) or max(o.amount) < min(d.amount)",
        # Opened again only once an outcome is known.
        "select 1 from (select event_type, lag(event_type) over (partition by seller_id, order_id,"
        " dispute_id order by greatest(occurred_at, recorded_at), occurred_at, event_type ="
        " 'opened' desc) as before from marketplace.dispute_events) as e"
        " where event_type = 'opened' and before = 'opened'",
        "select 1 from marketplace.orders as o join marketplace.order_fees"
        " using (order_id, seller_id) group by seller_id, order_id"
        " having sum(amount) not between 0 and min(gross_amount)",
        "select 1 from marketplace.orders where gross_amount <= 0 or (currency = 'USD')"
        " <> (exchange_rate is null) or exchange_rate <= 0",
        f"select 1 from marketplace.orders where scale(gross_amount) > {DECIMALS}",
        "select 1 from marketplace.order_fees as f join marketplace.orders"
        f" using (order_id, seller_id) where scale(amount) > {DECIMALS} or amount = 0",
        "select 1 from marketplace.refunds as f join marketplace.orders"
        f" using (order_id, seller_id) where scale(amount) > {DECIMALS}",
        "select 1 from marketplace.dispute_events as f join marketplace.orders"
        f" using (order_id, seller_id) where scale(amount) > {DECIMALS}",
        "select 1 from marketplace.orders group by checkout_id having min(ordered_at)"
        " <> max(ordered_at) or count(distinct (currency, exchange_rate)) > 1",
        "select 1 from marketplace.seller_charges as c left join marketplace.sellers as s"
        " using (seller_id) where s.seller_id is null or c.charged_at <= s.created_at"
        " or c.amount = 0 or scale(c.amount) > 4",
        "select 1 from marketplace.sellers where updated_at < created_at"
        " or updated_at > timestamptz '2026-11-22 12:00:00+00'",
    ],
)
def test_no_fact_is_bad(market: Connection, fault: str) -> None:
    assert market.execute(fault.encode()).fetchall() == []


def test_wallets_are_unique_and_nearly_all_good(market: Connection) -> None:
    sellers = market.execute(
        "select wallet_address, case when fast_settlement then 'SPL'"
        " when region in ('NA', 'EU') then 'ERC-20' else 'TRC-20' end from marketplace.sellers"
    ).fetchall()
    wallets = [wallet for wallet, _ in sellers if wallet]
    assert len(set(wallets)) == len(wallets)
    checks = [(check_wallet(wallet), rail) for wallet, rail in sellers if wallet]
    missing = len(sellers) - len(wallets)
    broken = sum(not check.is_valid for check, _ in checks)
    elsewhere = sum(check.is_valid and check.format != rail for check, rail in checks)
    assert 8 <= missing <= 25
    assert 3 <= broken <= 16
    assert 3 <= elsewhere <= 16


@pytest.mark.parametrize("wallet_format", ["TRC-20", "ERC-20", "SPL"])
def test_each_state_of_a_wallet(wallet_format: WalletFormat) -> None:
    for number in range(50):
        valid = check_wallet(make_wallet(1, number, wallet_format, "valid"))
        assert (valid.format, valid.is_valid) == (wallet_format, True)
        assert not check_wallet(make_wallet(1, number, wallet_format, "broken")).is_valid
        other = check_wallet(make_wallet(1, number, wallet_format, "other rail"))
        assert other.is_valid
        assert other.format != wallet_format
    assert make_wallet(1, 1, wallet_format, "missing") == ""


def test_trade_has_a_heavy_tail(market: Connection) -> None:
    orders, typical, usual = ask(
        market,
        "select count(*), percentile_cont(0.5) within group (order by gross_amount),"
        " avg((gross_amount between 15 and 300)::int) from marketplace.orders",
    )
    assert 0.95 * 60_000 < orders <= 60_000
    assert 60 < typical < 150
    assert usual > 0.9
    top, weekly = ask(
        market,
        "with weekly as (select seller_id, date_trunc('week', ordered_at) as week,"
        " sum(gross_amount) as gross from marketplace.orders group by 1, 2),"
        " ranked as (select sum(gross) as gross, ntile(20) over (order by sum(gross) desc) as part"
        " from weekly group by seller_id)"
        " select (select sum(gross) filter (where part = 1) / sum(gross) from ranked),"
        " (select percentile_cont(0.5) within group (order by gross) from weekly)",
    )
    assert top > 0.25, "the largest 5 % of the sellers make a quarter of the trade"
    assert 100 < weekly < 2000


@pytest.mark.parametrize(
    ("share", "least", "most"),
    [
        ("avg((currency = 'USD')::int) from marketplace.orders", 0.8, 0.88),
        ("avg((currency = 'KWD')::int) from marketplace.orders", 0.01, 0.03),
        (
            "avg((n > 1)::int) from (select count(distinct seller_id) as n"
            " from marketplace.orders group by checkout_id) as c",
            *(0.03, 0.1),
        ),
        ("avg((fee_type = 'tax')::int) from marketplace.order_fees", 0.1, 0.15),
        ("avg((charge_type = 'top_up')::int) from marketplace.seller_charges", 0.01, 0.06),
        # Advertising is charged to the click, finer than a cent now and then.
        ("avg((amount <> round(amount, 2))::int) from marketplace.seller_charges", 0.02, 0.1),
        ("avg((payout_schedule <> 'weekly')::int) from marketplace.sellers", 0.02, 0.08),
        ("avg((reverses_refund_id is not null)::int) from marketplace.refunds", 0.02, 0.08),
    ],
)
def test_shares_of_what_is_less_usual(
    market: Connection, share: str, least: float, most: float
) -> None:
    assert least < ask(market, f"select {share}") < most


@pytest.mark.parametrize(
    "found",
    [
        "from marketplace.orders group by checkout_id having count(distinct seller_id) = 3",
        "from marketplace.dispute_events where event_type = 'withdrawn'",
        "from marketplace.dispute_events group by seller_id, order_id, dispute_id"
        " having count(*) filter (where event_type = 'won') > 0"
        " and count(*) filter (where event_type = 'lost') > 0",
        "from marketplace.dispute_events group by seller_id, order_id, dispute_id"
        " having count(*) filter (where event_type = 'opened') = 2",
        "from marketplace.dispute_events as d join marketplace.dispute_events as o"
        " using (seller_id, order_id, dispute_id) where o.event_type = 'opened'"
        " and d.event_type = 'lost' and d.amount < o.amount",
        "from marketplace.dispute_events group by dispute_id having count(distinct seller_id) > 1",
        "from marketplace.refunds as a join marketplace.refunds as b using (seller_id, order_id)"
        " where a.reason = 'made_again' and b.reverses_refund_id is not null"
        " and a.amount = b.amount",
        "from marketplace.order_fees where fee_type = 'tax_refund'",
        "from marketplace.seller_charges where charge_type = 'subscription'"
        " group by seller_id having count(*) = 2 and min(charged_at) = '2026-10-01 00:00+00'",
    ],
)
def test_what_is_rare_is_there(market: Connection, found: str) -> None:
    assert market.execute(f"select 1 {found}".encode()).fetchone()


def test_few_sellers_are_suspicious(market: Connection) -> None:
    suspicious = ask(
        market,
        f"""
        with gross as (
            select seller_id, sum(gross_amount) as gross from marketplace.orders
            where ordered_at >= timestamptz '{UNTIL}' - interval '30 days' group by 1
        ),
        disputed as (
            select seller_id, sum(amount) as disputed from marketplace.dispute_events
            where event_type = 'opened'
            and occurred_at >= timestamptz '{UNTIL}' - interval '30 days' group by 1
        )
        select avg(coalesce(disputed >= 0.03 * coalesce(gross, 0), false)::int)
        from marketplace.sellers
        left join gross using (seller_id) left join disputed using (seller_id)
        """,
    )
    assert 0.01 < suspicious < 0.05


def test_shares_of_refunds_and_disputes(market: Connection) -> None:
    settled = f"ordered_at < timestamptz '{UNTIL}' - interval '31 days'"
    refunded, disputed = ask(
        market,
        "select avg((r.order_id is not null)::int), avg((d.order_id is not null)::int)"
        " from marketplace.orders as o"
        " left join (select distinct order_id from marketplace.refunds) as r using (order_id)"
        " left join (select distinct order_id from marketplace.dispute_events) as d"
        f" using (order_id) where {settled}",
    )
    assert 0.03 < refunded < 0.05
    assert 0.008 < disputed < 0.025
