"""What code that hides in a model can do: change figures, and nothing else.

Each relation that dbt builds is replaced by a view whose rows come out of a function of dbt's. That
function tries, as whoever it runs, what would make it more than dbt, and notes whom it ran as.
"""

from collections.abc import Iterator

import pytest

from tests.functions.market import DUE, LINES, WINDOW, Market
from tests.functions.payment_server import DBT, ORCHESTRATOR, OWNER

TRIES = (
    "insert into finance.approvals (payout_window, run, digest, currency, line_count, total_minor,"
    " approved_by) values (''2026-W47'', 1, ''forged'', ''USD'', 1, 1, ''ana'')",
    "insert into finance.seller_holds (seller_id, note) values (''s1'', ''forged'')",
    "alter function finance.approve(text, text) security invoker",
    "alter function finance.sellers_now(text) security invoker",
    "alter function dbt_reads.balances(text) security invoker",
    "grant settle_owner to dbt",
    "grant usage on schema settlement to settle_owner",
    "set role settle_owner",
    "create schema ana",
    "create function finance.forged() returns int language sql as ''select 1''",
    "alter role dbt superuser",
    "update finance.clock set now_at = now_at",
)
LURK = f"""
create table settlement.runs (who text);
grant insert on settlement.runs to public;
create function settlement.lurk() returns boolean language plpgsql as $$
declare
    v_try text;
begin
    insert into settlement.runs values (current_user);
    foreach v_try in array array['{"','".join(TRIES)}'] loop
        begin
            execute v_try;
        exception when others then null;
        end;
    end loop;
    return true;
end;
$$;
grant usage on schema settlement to public;
"""
RELATIONS = (
    *("settlement_core.int_build", "settlement_core.int_settlement__computed"),
    *("settlement_core.int_seller_health", "settlement_core.int_entries"),
    *("settlement_core.int_disputes", "settlement_core.int_close_contradictions"),
    *("settlement_seeds.rails", "settlement.window_checks", "settlement.windows"),
)
POSSESSIONS = """
select md5(string_agg(
    p.oid::regprocedure || p.prosrc || p.prosecdef || coalesce(p.proconfig::text, '')
    || p.proowner::regrole || coalesce(p.proacl::text, ''), '' order by p.oid
))
from pg_proc as p
where p.proowner = 'settle_owner'::regrole
"""


@pytest.fixture
def market() -> Iterator[Market]:
    """A market that was just built, in which reading any of it runs the lurking function."""
    with Market.open(is_fresh=True) as market:
        prepare(market)
        yield market


def prepare(market: Market) -> None:
    """As a build left it, with a function in every relation of dbt's."""
    market.at(DUE)
    market.build(*LINES)
    market.rows(DBT, "set role settle_dbt")
    market.rows(DBT, LURK)
    for relation in RELATIONS:
        name = relation.partition(".")[2]
        market.rows(
            DBT,
            f"alter table {relation} rename to {name}_rows;"
            f" create view {relation} as select * from {relation}_rows"
            f" where settlement.lurk() offset 0",
        )


def test_a_week_is_closed_approved_and_frozen_without_running_it(market: Market) -> None:
    before = market.value(OWNER, POSSESSIONS)
    assert market.store()
    market.approve("ana", "ben")
    assert market.obstacles() == []
    market.rows("dora", "select finance.funding(%s)", WINDOW)
    market.rows(ORCHESTRATOR, "select finance.alert_contradictions()")
    for ledger in market.rows(ORCHESTRATOR, "select currency from finance.ledgers_to_read()"):
        market.rows(ORCHESTRATOR, "select finance.store_ledger(%s, '{}')", ledger["currency"])
    market.rows(ORCHESTRATOR, "select finance.compare_books()")
    assert market.freeze() == 1
    who = market.rows(OWNER, "select distinct who from settlement.runs")
    assert [row["who"] for row in who] == ["settle_dbt"]
    assert market.value(OWNER, POSSESSIONS) == before
    assert market.value("dora", "select count(*) from finance.approvals") == 2
    assert market.value("dora", "select count(*) from finance.seller_holds") == 0
    assert not market.value(OWNER, "select rolsuper from pg_roles where rolname = 'dbt'")


def test_no_function_of_the_owners_reads_what_dbt_builds(market: Market) -> None:
    """But the one that runs with dbt's own rights."""
    found = market.rows(
        OWNER,
        "select p.proname, p.prosecdef from pg_proc as p"
        " where p.proowner = 'settle_owner'::regrole"
        " and p.prosrc ~ '\\m(settlement(_[a-z]+)?|dbt_reads)\\.[a-z]'",
    )
    assert {row["proname"] for row in found if row["prosecdef"]} == set()
    assert {row["proname"] for row in found} == {
        "hand_over",
        "statement",
        "reserve_orders",
        "year_of_a_seller",
    }


def test_only_the_portal_may_call_what_reads_for_sellers(market: Market) -> None:
    """Who can change a function decides with whose rights it runs: the caller must have none."""
    may = market.rows(
        OWNER,
        "select r.rolname from pg_roles as r where not r.rolsuper and exists ("
        "select from pg_proc as p where p.pronamespace = 'dbt_reads'::regnamespace"
        " and has_function_privilege(r.oid, p.oid, 'execute'))",
    )
    assert {row["rolname"] for row in may} <= {"portal", "settle_portal", "settle_reader"}


def test_a_wallet_that_the_marketplace_never_named_is_not_stored(market: Market) -> None:
    market.rows(
        OWNER,
        "update settlement_core.int_settlement__computed_rows set wallet_address = 'mallory'"
        " where seller_id = 's1'",
    )
    assert market.refused_store() == (
        "the row of seller s1 in 2026-W47 has a wallet that the marketplace never gave for that"
        " seller: nothing was stored; find out which model named it"
    )


def test_a_part_of_what_was_handed_over_is_not_stored(market: Market) -> None:
    """As after a crash of the server, which empties unlogged tables."""
    market.hand_over()
    market.rows(OWNER, "truncate handover.close_rows, handover.close_entries")
    assert market.refusal(ORCHESTRATOR, "select finance.store_close(%s)", WINDOW) == (
        "a part of the rows of 2026-W47 is missing: nothing was stored, build again"
    )


def test_sellers_are_read_from_a_relation_of_the_owners_only(market: Market) -> None:
    market.store()
    market.rows(DBT, "create table settlement.sellers as select * from marketplace.sellers")
    market.rows(
        OWNER,
        "update finance.installation set sellers_schema = 'settlement', sellers_table = 'sellers'",
    )
    assert market.refusal("dora", "select finance.payable(%s)", WINDOW).startswith(
        "sellers are read from settlement.sellers, which belongs to settle_dbt: wallets are only"
    )
