"""`settle generate` against a real PostgreSQL: the same every time, clean, and plausible."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.demo.generate import GenerateReport, Late, generate, make_wallet
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import FACTS, SOURCES
from orchestrator.loading.load import load_directory
from orchestrator.settlement.wallets import WalletFormat, check_wallet

Connection = psycopg.Connection[Any]

UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)
SMALL: dict[str, Any] = {"sellers": 60, "weeks": 3, "orders_per_seller_week": 4, "until": UNTIL}


@pytest.fixture
def marketplace_db(settings: Settings) -> Iterator[Connection]:
    """An empty marketplace in a transaction that is rolled back."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        connection.execute("select 1")
        yield connection
        connection.rollback()


@pytest.fixture(scope="module")
def market(settings: Settings) -> Iterator[Connection]:
    """Eight weeks of 1,500 sellers, in a database of their own, to ask questions about."""
    url = database_url(settings, Component.OWNER)
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute("create database market template settle")
    with psycopg.connect(url, dbname="market", autocommit=True) as connection:
        generate(connection, sellers=1500, until=UNTIL)
        yield connection


def ask(connection: Connection, query: str) -> Any:
    """The only row of a query, or its only value."""
    (row,) = connection.execute(query.encode()).fetchall()
    return row[0] if len(row) == 1 else row


def digest(connection: Connection) -> str:
    """One fingerprint of all rows of the marketplace."""
    # What the database adds to a row says when it was stored.
    parts = " union all ".join(
        f"(select string_agg(md5((t.{', t.'.join(s.columns)})::text), ''"
        f" order by t.seller_id, t.{s.id}) as rows from marketplace.{s.table} as t)"
        for s in SOURCES
    )
    connection.execute("set local timezone = 'UTC'")
    return str(ask(connection, f"select md5(string_agg(rows, '')) from ({parts}) as parts"))


# ---- The same every time ----------------------------------------------------------------------


def generated(connection: Connection, time_zone: str = "UTC", **changes: Any) -> str:
    """The fingerprint of what these arguments generate; leaves the database as it was."""
    with connection.transaction(force_rollback=True):
        connection.execute("select set_config('timezone', %s, true)", [time_zone])
        generate(connection, **{**SMALL, **changes})
        return digest(connection)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, from the top."""
    yield plan
    for below in plan.get("Plans", []):
        yield from nodes(below)


class Planned(psycopg.Cursor[Any]):
    """Keeps the plans of the statements that make and store orders and fees."""

    found: list[dict[str, Any]] = []  # noqa: RUF012 - of one test

    def execute(self, query: Any, *parameters: Any, **named: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else sql.SQL("{}").format(query)
        text = text if isinstance(text, str) else text.as_string(self.connection)
        if re.search(r"table generated_order(s|_fees) |into marketplace.\"order", text):
            first, _, _ = text.partition(";\n")
            super().execute(f"explain (format json) {first}".encode())
            self.found += nodes(self.fetchone()[0][0]["Plan"])
        return super().execute(query, *parameters, **named)


def test_no_orders_and_no_fees_are_sorted_or_kept_between_two_steps(
    marketplace_db: Connection,
) -> None:
    """Millions of rows that are written down once more for each step were a third of the time."""
    marketplace_db.cursor_factory = Planned
    generate(marketplace_db, **SMALL)
    kinds = {node["Node Type"] for node in Planned.found}
    assert {"ModifyTable", "Hash Join"} <= kinds
    assert not kinds & {"Sort", "Incremental Sort", "Materialize", "WindowAgg"}
    # One order in 25 has a refund.
    assert {node.get("CTE Name") for node in Planned.found} <= {None, "given_back"}


def test_same_arguments_same_rows(marketplace_db: Connection) -> None:
    first = generated(marketplace_db)
    assert generated(marketplace_db) == first
    assert generated(marketplace_db, time_zone="America/Sao_Paulo") == first
    berlin = UNTIL.astimezone(timezone(timedelta(hours=1))) + timedelta(microseconds=999_999)
    assert generated(marketplace_db, until=berlin) == first, "until is cut to the second"
    others = [{"seed": 2}, {"seed": -1}, {"sellers": 61}, {"weeks": 4}]
    others += [{"orders_per_seller_week": 5}, {"until": UNTIL + timedelta(seconds=1)}]
    assert len({first, *(generated(marketplace_db, **other) for other in others)}) == 7


def test_the_rows_are_the_same_on_every_machine(marketplace_db: Connection) -> None:
    """A change of this fingerprint changes everybody's generated marketplace: mean it."""
    assert generated(marketplace_db) == "a50bc6ece5dc0ad3477a027cc9ab0959"


def test_of_a_share_of_sellers_most_orders_are_disputed(marketplace_db: Connection) -> None:
    """All else is as in a marketplace without them; a larger share has the same ones and more."""
    disputed = "select distinct seller_id from marketplace.dispute_events"
    fees = "select count(*), sum(amount) from marketplace.order_fees"
    found: dict[str, Any] = {}
    for share in ("0", "0.2", "0.4", "1"):
        with marketplace_db.transaction(force_rollback=True):
            generate(marketplace_db, **{**SMALL, "bad_actors": Decimal(share)})
            sellers = {seller for (seller,) in marketplace_db.execute(disputed)}
            found[share] = (sellers, marketplace_db.execute(fees).fetchone())

    counts = [len(sellers) for sellers, _ in found.values()]
    assert counts == sorted(set(counts)), "each share has more of them"
    assert found["0.2"][0] < found["0.4"][0]
    assert len({rows for _, rows in found.values()}) == 1


def test_again_is_a_noop(marketplace_db: Connection) -> None:
    first = generate(marketplace_db, **SMALL)
    assert not first.is_noop
    assert first.tables["sellers"] == 60
    before = digest(marketplace_db)
    again = generate(marketplace_db, **SMALL)
    assert again == GenerateReport(first.tables, UNTIL, is_noop=True)
    assert digest(marketplace_db) == before


def test_other_data_is_refused(marketplace_db: Connection) -> None:
    generate(marketplace_db, **SMALL)
    before = digest(marketplace_db)
    with pytest.raises(SettleError) as refusal:
        generate(marketplace_db, **{**SMALL, "seed": 2})
    assert str(refusal.value) == (
        "nothing was generated: marketplace.sellers holds other rows;"
        " use an empty database, or the same arguments as before"
    )
    marketplace_db.execute(
        "insert into marketplace.refunds (refund_id, order_id, seller_id, amount, refunded_at,"
        " reason) values ('r', 'o', 's', 1, %s, '')",
        [UNTIL],
    )
    with pytest.raises(SettleError, match=r"marketplace\.refunds holds other rows"):
        generate(marketplace_db, **SMALL)
    marketplace_db.execute("alter table marketplace.refunds disable trigger append_only")
    marketplace_db.execute("delete from marketplace.refunds where refund_id = 'r'")
    assert digest(marketplace_db) == before


def test_a_filled_fact_table_alone_is_refused(marketplace_db: Connection) -> None:
    marketplace_db.execute(
        "insert into marketplace.orders (order_id, checkout_id, seller_id, currency, gross_amount,"
        " ordered_at) values ('o', 'c', 's', 'USD', 1, %s)",
        [UNTIL],
    )
    with pytest.raises(SettleError, match="holds other rows"):
        generate(marketplace_db, **SMALL)
    assert ask(marketplace_db, "select count(*) from marketplace.sellers") == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sellers": 0}, "0 sellers cannot be generated; use 1 to 1000000"),
        ({"weeks": 521}, "521 weeks cannot be generated; use 1 to 520"),
        (
            {"orders_per_seller_week": -1},
            "-1 orders per seller and week cannot be generated; use 1 to 100000000",
        ),
        (
            {"sellers": 1_000_000, "weeks": 100},
            "400000000 orders cannot be generated; use 1 to 100000000",
        ),
        (
            {"until": datetime(2026, 11, 22)},
            "until is 2026-11-22 00:00:00; give an instant with an offset",
        ),
    ],
)
def test_impossible_arguments(
    marketplace_db: Connection, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettleError) as refusal:
        generate(marketplace_db, **{**SMALL, **changes})
    assert str(refusal.value) == message


def test_the_smallest_marketplace(marketplace_db: Connection) -> None:
    report = generate(
        marketplace_db, sellers=1, weeks=1, orders_per_seller_week=1, seed=3, until=UNTIL
    )
    assert report.tables["sellers"] == 1
    assert report.tables["orders"] <= 1


DECIMALS = "case currency when 'JPY' then 0 when 'KWD' then 3 else 2 end"

# ---- Clean ------------------------------------------------------------------------------------


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


# ---- Plausible --------------------------------------------------------------------------------


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


def test_each_dispute_is_decided_within_two_months(marketplace_db: Connection) -> None:
    """What a weekly build looks at does not grow with the weeks."""
    generate(marketplace_db, **{**SMALL, "weeks": 20})
    [waiting, decided] = ask(
        marketplace_db,
        "select count(*) filter (where not is_decided), count(*) filter (where is_decided)"
        " from (select min(occurred_at) as opened_at,"
        " bool_or(event_type <> 'opened') as is_decided from marketplace.dispute_events"
        " group by seller_id, order_id, dispute_id) as d"
        f" where opened_at < timestamptz '{UNTIL}' - interval '63 days'",
    )
    assert waiting == 0
    assert decided > 10


def test_late_rows_are_files_that_load(marketplace_db: Connection, tmp_path: Path) -> None:
    """Together they are what is generated without any late row."""
    whole = generated(marketplace_db)
    first = generate(marketplace_db, **SMALL, late=Late(tmp_path / "late", 50))
    facts = sum(n for table, n in first.tables.items() if table != "sellers")
    assert 0.03 < first.late / (facts + first.late) < 0.07
    assert digest(marketplace_db) != whole
    assert generate(marketplace_db, **SMALL, late=Late(tmp_path / "again", 50)).is_noop
    report = load_directory(marketplace_db, tmp_path / "late")
    assert sum(table.inserted for table in report.tables.values()) == first.late
    assert digest(marketplace_db) == whole
    assert generate(marketplace_db, **SMALL).is_noop
    assert generate(marketplace_db, **SMALL, late=Late(tmp_path / "again", 50)).is_noop
    for file in (tmp_path / "late").iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_storing_leaves_the_tables_keys_and_indexes(marketplace_db: Connection) -> None:
    def definitions() -> list[tuple[Any, ...]]:
        return marketplace_db.execute(
            "select pg_get_indexdef(i.indexrelid), i.indisprimary, k.conname from pg_index as i"
            " join pg_class as c on i.indrelid = c.oid"
            " left join pg_constraint as k on i.indexrelid = k.conindid"
            " where c.relnamespace = 'marketplace'::regnamespace order by 1"
        ).fetchall()

    before = definitions()
    assert sum(is_primary for _, is_primary, _ in before) == len(SOURCES)
    generate(marketplace_db, **SMALL)
    assert definitions() == before


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
