"""An erasure may change named columns of one seller, in its own transaction; nothing else may."""

import psycopg
import pytest

from tests.functions.erasure.seller_to_erase import APPROVE, PROPOSE, key_of
from tests.functions.market import Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK

# What is under way may change, with the words about it.
CHANGING = {"tx_hash", "failure_reason", "state_note", "close_note", "lift_note"}
OTHER = {"json": "'{}'", "mark": "null"}


def test_the_guards_let_no_other_update_through(market: Market) -> None:
    """The owner of the database, outside an erasure."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    columns = market.rows(
        OWNER,
        "select c.relation::text as relation, c.column_name as name, c.content,"
        " a.atttypid = 'bytea'::regtype as is_bytes"
        " from finance.erasable_columns as c inner join pg_attribute as a"
        " on a.attrelid = c.relation and a.attname = c.column_name and a.attgenerated = ''"
        " where c.relation <> 'finance.erasures'::regclass",
    )
    tried = 0
    for column in columns:
        relation, name = column["relation"], column["name"]
        is_there = market.value(OWNER, f"select exists (select from {relation})")
        if is_there and name not in CHANGING:
            other = r"'\x00'" if column["is_bytes"] else OTHER.get(column["content"], "'another'")
            said = market.refusal(OWNER, f"update {relation} set {name} = {other}")
            assert "append-only: update refused" in said or "is immutable but for" in said, said
            tried += 1
        for change in (f"delete from {relation}", f"truncate {relation} cascade"):
            assert not is_there or "append-only" in market.refusal(OWNER, change)
    assert tried > 20
    market.rows("ben", APPROVE, "s2", key_of(market))
    again = "update finance.erasures set erased_in = (pg_current_xact_id()::text)::bigint"
    assert "append-only: update refused" in market.refusal(OWNER, again)


def test_nor_does_an_erasure_change_anything_else(market: Market) -> None:
    """In its own transaction: another column, another seller, another word than a pseudonym."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    word = "'erased-' || repeat('0', 32)"
    with market.connect(OWNER, autocommit=False) as owner:
        owner.execute(
            "update finance.erasures set approved_by = 'ben', approved_at = now(),"
            f" key_id = '00000000', pseudonym = {word},"
            " erased_in = (pg_current_xact_id()::text)::bigint".encode()
        )
        for change in (
            f"finance.payout_lines set wallet_address = {word} where seller_id = 's1'",
            "finance.payout_lines set wallet_address = 'mine' where seller_id = 's2'",
            "finance.payout_lines set amount_minor = 1 where seller_id = 's2'",
            f"finance.payout_lines set wallet_address = {word}, amount_minor = 1"
            " where seller_id = 's2'",
            "finance.window_close_rows set net_minor = 1 where seller_id = 's2'",
            f"finance.window_close_rows set region = {word} where seller_id = 's2'",
            f"finance.approvals set approved_by = {word}",
            "finance.approvals set digest = 'mine'",
            "finance.window_closes set net_minor = 1",
            f"finance.line_events set source = {word}",
        ):
            refused = pytest.raises(psycopg.errors.RaiseException, match=r"append-only|immutable")
            with refused, owner.transaction():
                owner.execute(f"update {change}".encode())
        change = f"update finance.payout_lines set wallet_address = {word} where seller_id = 's2'"
        assert owner.execute(change.encode()).rowcount == 1
        owner.rollback()


LOGINS = ["ana", "ben", "dora", "dbt", ORCHESTRATOR, WEBHOOK, "portal"]


@pytest.mark.parametrize("who", LOGINS)
def test_no_login_reaches_the_opening(market: Market, who: str) -> None:
    """People who decide have the three functions, and none of what is behind them."""
    market.rows("ana", PROPOSE, "s2", "they asked")
    market.rows(who, "set default_transaction_read_only = off")
    decisions = (
        "select finance.propose_erasure('s1', 'x')",
        f"select finance.approve_erasure('s2', '{key_of(market)}')",
        "select finance.withdraw_erasure('s2')",
    )
    for query in (
        *(() if who in ("ana", "ben") else decisions),
        "select finance.erase_seller(null, '')",
        "select finance.erase_wallets('s1', '', '{}')",
        "select finance.erase_texts('s1', '', '{}', 'x', '{}')",
        "select finance.erase_rail_texts('s1', '', '{}')",
        "update finance.erasures set erased_in = (pg_current_xact_id()::text)::bigint",
        "insert into finance.erasures (seller_id, note, approved_by) values ('s1', 'x', 'ben')",
        "insert into finance.erasable_columns values ('finance.payout_lines', 'x', 'text')",
        "update finance.erasable_columns set content = 'mark'",
        "update finance.payout_lines set wallet_address = 'x'",
        "update finance.wallet_sightings set wallet_address = 'x'",
        "update finance.window_close_rows set wallet_address = 'x'",
        "update halfin.webhook_events set body = null",
        "alter table finance.payout_lines disable trigger all",
        "set session_replication_role = replica",
    ):
        said = market.refusal(who, query)
        assert said.startswith(("permission denied", "must be owner of")), (query, said)
