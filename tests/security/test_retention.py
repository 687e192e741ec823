"""Raw texts of the rail's go after some months; what was read from them stays."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from orchestrator.config import Component, load_settings
from orchestrator.database.connection import connect
from orchestrator.dbt.runner import run_dbt
from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from orchestrator.settlement.retention import prune
from tests.functions.market import DUE, LINES, Market, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import RECEIVE, take
from tests.support.closed_week import closed_week
from tests.support.settings import build_untested

PRUNE = "select * from finance.prune_raw_texts(%s)"
MONTHS = timedelta(days=31)
RAW = {
    "halfin.webhook_events": "body",
    "halfin.balance_reads": "body",
    "finance.call_attempts": "response",
}


@pytest.fixture
def market() -> Iterator[Market]:
    """A payout that is over: its response, its webhooks, two balances."""
    with Market.open() as market:
        market.approved(LINES[0])
        market.freeze()
        take(market, "answer", "completed")
        for body in (
            {"data": [{"currency": "USDT_TRC20", "environment": "test", "available": "12.50"}]},
            {"data": []},
        ):
            market.rows(
                ORCHESTRATOR, "select finance.store_balances(%s)", json.dumps(body).encode()
            )
        yield market


def raw(market: Market) -> dict[str, list[object]]:
    return {
        table: [
            row["raw"]
            for row in market.rows("dora", f"select {column} as raw from {table} order by 1")
        ]
        for table, column in RAW.items()
    }


def pruned(market: Market, months: int = 12) -> list[int]:
    return [row["pruned"] for row in market.rows(ORCHESTRATOR, PRUNE, months)]


def test_raw_texts_go_and_what_was_read_stays(market: Market) -> None:
    before = raw(market)
    assert [len(rows) for rows in before.values()] == [1, 2, 1]
    facts = "select event_type, payout_id, body_sha256, signature from halfin.webhook_events"
    known = market.rows("dora", facts)
    assert known[0]["event_type"] == "payout.completed"
    line = market.rows("dora", "select * from finance.payout_lines")
    assert pruned(market) == [0, 0, 0, 0]
    market.at(DUE + 13 * MONTHS)
    assert pruned(market) == [1, 1, 1, 3]  # released, submitted, paid
    assert pruned(market) == [0, 0, 0, 0]
    after = raw(market)
    assert after["halfin.webhook_events"] == after["finance.call_attempts"] == [None]
    assert after["halfin.balance_reads"] == [b'{"data": []}', None]  # the latest funds payouts
    assert market.rows("dora", facts) == known
    [body] = before["halfin.webhook_events"]
    assert isinstance(body, bytes)
    assert known[0]["body_sha256"] == sha256(body).digest()
    assert market.value("dora", "select max(available::text) from halfin.balance_reads") == (
        '{"USDT_TRC20": 12.50}'
    )
    [response] = before["finance.call_attempts"]
    assert market.value("dora", "select response_sha256 from finance.call_attempts") == (
        sha256(str(response).encode()).digest()
    )
    assert market.rows("dora", "select * from finance.payout_lines") == line
    # The same event once more is still known.
    market.rows(WEBHOOK, RECEIVE, body)
    assert market.value("dora", "select count(*) from halfin.webhook_events") == 1
    assert market.state() == ["accepted"]


def test_what_is_not_over_keeps_its_texts(market: Market) -> None:
    market.rows(
        WEBHOOK, RECEIVE, b'{"a": "\\u0000"}'
    )  # nobody could read it, and nobody has looked
    market.close(LINES[1], weeks=1)
    market.approve("ana", window="2026-W48")
    market.at(DUE + timedelta(days=7))
    batch = market.freeze("2026-W48")
    take_unknown(market, batch)
    market.at(DUE + 40 * MONTHS)
    assert pruned(market) == [1, 1, 1, 4]
    assert market.value("dora", "select body from halfin.webhook_events where payload is null and"
                        " event_type is null") == b'{"a": "\\u0000"}'  # fmt: skip
    texts = market.rows(
        "dora", "select response from finance.call_attempts where batch_id = %s", batch
    )
    assert texts == [{"response": "what?"}]


def take_unknown(market: Market, batch: int) -> None:
    market.rows(ORCHESTRATOR, "select finance.begin_attempt(%s, 1)", batch)
    market.rows(ORCHESTRATOR, "select finance.append_response_chunk(%s, 1, 1, %s)", batch, b"what?")
    market.rows(ORCHESTRATOR, "select finance.end_attempt(%s, 1, 1, 500, true, null)", batch)
    market.rows(ORCHESTRATOR, "select * from finance.conclude_call(%s, 1)", batch)


@pytest.mark.parametrize("months", [5, 0, -1, None])
def test_half_a_year_is_the_least(market: Market, months: int | None) -> None:
    said = market.refusal(ORCHESTRATOR, PRUNE, months)
    assert said.startswith("raw texts of the rail are evidence for 6 months at least")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("halfin.webhook_events", "body = null"),
        ("halfin.webhook_events", "body = '', pruned_at = now()"),
        (
            "halfin.webhook_events",
            "body = null, payload = null, pruned_at = now(), payout_id = 'x'",
        ),
        ("halfin.webhook_events", "body_sha256 = ''"),
        ("halfin.balance_reads", "body = '{}'"),
        ("halfin.balance_reads", "body = null, pruned_at = now(), read_at = now()"),
        ("finance.call_attempts", "response = 'another'"),
        ("finance.call_attempts", "http_status = 202"),
        ("finance.call_attempts", "response = null, http_status = 202, pruned_at = now()"),
    ],
)
def test_nothing_else_of_them_changes_not_even_for_the_owner(
    market: Market, table: str, change: str
) -> None:
    market.at(DUE + 13 * MONTHS)
    assert market.refusal(OWNER, f"update {table} set {change}").startswith(
        f"{table} is append-only: update refused"
    )
    for query in (f"delete from {table}", f"truncate {table} cascade"):
        assert "is append-only" in market.refusal(OWNER, query)


@pytest.mark.parametrize("table", RAW)
def test_not_even_pruning_before_its_time_or_twice(market: Market, table: str) -> None:
    change = f"update {table} set {RAW[table]} = null, pruned_at = now()"
    if table == "halfin.webhook_events":
        change += ", payload = null"
    assert "is append-only" in market.refusal(OWNER, change)
    market.at(DUE + 13 * MONTHS)
    market.rows(OWNER, change)
    assert "is append-only" in market.refusal(OWNER, change)


@pytest.mark.parametrize("who", ["ana", "dora", "dbt", WEBHOOK])
def test_only_the_orchestrator_prunes(market: Market, who: str) -> None:
    assert "permission denied" in market.refusal(who, PRUNE, 12)


def test_reconcile_prunes_as_it_goes(market: Market) -> None:
    market.at(DUE + 30 * MONTHS)
    with rail() as url:
        reconcile(market.at_rail(url))
    assert raw(market)["finance.call_attempts"] == [None]
    assert prune(replace(market.settings, raw_text_months=6)) == {
        "webhooks": 0,
        "balances": 0,
        "responses": 0,
        "events": 0,
    }


@pytest.mark.parametrize("months", ["5", "0", "x", "1e3"])
def test_the_variable_is_a_number_of_months(tmp_path: Path, months: str) -> None:
    with pytest.raises(SettleError, match="SETTLE_RAW_TEXT_MONTHS is"):
        load_settings({"SETTLE_HOME": str(tmp_path), "SETTLE_RAW_TEXT_MONTHS": months})


def test_a_name_that_the_marketplace_empties_is_in_no_history() -> None:
    """Kept in old versions of the seller, a name could never be forgotten."""
    settings = closed_week().copy()
    names = "select count(*) from settlement_history.seller_versions where display_name <> ''"
    with connect(settings, Component.OWNER) as owner:
        [before] = owner.execute(names.encode()).fetchone() or (0,)
        assert before > 1
        owner.execute(
            "update marketplace.sellers set display_name = '', updated_at = settle_now()"
            " where seller_id = 'seller-000001'"
        )
        owner.commit()
        wanted = ["--select", "stg_marketplace__sellers", "seller_versions"]
        run_dbt(settings, ["build", *wanted, "--exclude-resource-type", "test", "--no-write-json"])
        assert owner.execute(names.encode()).fetchone() == (before - 1,)


ERASE = """
update finance.erasures
set
    approved_by = 'ben', approved_at = settle_now(), key_id = '00000000',
    pseudonym = finance.pseudonym('\\x01', 'name'),
    erased_in = (pg_current_xact_id()::text)::bigint
"""
COLUMNS = """
select c.oid::regclass::text as relation, quote_ident(a.attname) as name
from pg_class as c
inner join pg_attribute as a on a.attrelid = c.oid
where c.relkind in ('r', 'p', 'm', 'v') and a.attnum > 0 and not a.attisdropped
and a.atttypid <> 'bytea'::regtype
and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
"""


def test_nothing_that_a_build_makes_has_the_name_or_the_wallet_of_who_was_erased() -> None:
    """Of a seller with orders and stored rows, whom the rules would not let be erased yet."""
    settings = closed_week().copy()
    with connect(settings, Component.OWNER) as owner:

        def places(words: str) -> list[str]:
            found = owner.execute(COLUMNS.encode()).fetchall()
            return [
                f"{relation}.{name}"
                for relation, name in found
                if owner.execute(
                    f"select from {relation} where {name}::text ~* %s limit 1".encode(), [words]
                ).rowcount
            ]

        words, stored = owner.execute(
            "select string_agg(s.display_name || coalesce('|' || nullif(s.wallet_address, ''), ''),"
            " '|'), (select array_agg(r.net_minor order by r.payout_window)"
            " from finance.window_close_rows as r where r.seller_id = 'seller-000001')"
            " from marketplace.sellers as s where s.seller_id in ('seller-000001', 'seller-000002')"
        ).fetchone() or ("", [])
        before = places(str(words))
        assert {place.partition(".")[0] for place in before} >= {
            *("finance", "marketplace", "settlement", "settlement_core", "settlement_history"),
        }
        owner.execute(
            "insert into finance.erasures (seller_id, note)"
            " values ('seller-000001', '-'), ('seller-000002', '-')"
        )
        owner.execute(ERASE.encode())
        owner.execute("select finance.erase_seller(e, '\\x01') from finance.erasures as e")
        # One of them is gone from the source, too: a wallet that nobody named would stop a close.
        owner.execute("delete from marketplace.sellers where seller_id = 'seller-000002'")
        owner.commit()
        build_untested(settings)
        assert places(str(words)) == []
        named = (
            "select distinct wallet_address from settlement_core.int_sellers where display_name ~ "
        )
        assert owner.execute(f"{named}'^erased-'".encode()).fetchall() == [("",)]
        # And what is computed anew is what was stored.
        for query in (
            "select from settlement_core.int_close_contradictions",
            "select from settlement.window_checks where not is_passed",
        ):
            assert owner.execute(query.encode()).rowcount == 0
        after = owner.execute(
            "select array_agg(net_minor order by payout_window) from finance.window_close_rows"
            " where seller_id = 'seller-000001'"
        ).fetchone()
        assert after == (stored,)


KEYS = """
select c.conrelid::regclass::text as relation, (
    select array_agg(a.attname::text order by a.attname) from pg_attribute as a
    where a.attrelid = c.conrelid and a.attnum = any(c.conkey)
) as columns
from pg_constraint as c
where c.contype = 'p' and (
    c.conrelid::regclass::text ~ '^marketplace[.]'
    or c.conrelid = 'finance.window_close_entries'::regclass
)
"""


def test_a_fact_is_there_once_over_all_years(market: Market) -> None:
    """No key has an instant or a window: partitions by age would let an id in once in each."""
    keys = {row["relation"]: row["columns"] for row in market.rows(OWNER, KEYS)}
    assert keys.pop("finance.window_close_entries") == ["entry_type", "seller_id", "source_id"]
    assert len(keys) == 6
    for columns in keys.values():
        assert "seller_id" in columns
        assert all(column.endswith("_id") for column in columns)
        assert len(columns) <= 2
