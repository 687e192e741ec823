"""Nothing is decided, frozen or recorded by a view that somebody reads."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.functions.market import DUE, WINDOW, Market
from tests.functions.payment_server import DBT, ORCHESTRATOR, OWNER

NESTED = (
    "a decision or a payout was asked for from inside of another query: nothing was done; send it"
    " as a statement of its own, and have the views it reads looked at"
)
# What a view would call with the rights of who reads it, and how it hides.
DECISIONS = {
    "approve": (
        "ana",
        "finance.approve('2026-W47', (select digest from finance.payable('2026-W47')))",
    ),
    "pause_payouts": ("ana", "finance.pause_payouts('lurking')"),
    "propose_policy": ("ana", "finance.propose_policy('dual_approval_above', '', 1, 'lurking')"),
    "block_wallet": ("ana", "finance.block_wallet('w', 'lurking')"),
    "propose_go_live": ("ana", "finance.propose_go_live('2026-W47', null, 'lurking')"),
    "approve_go_live": ("ana", "finance.approve_go_live(1)"),
    "enter_adjustments": ("ana", "finance.enter_adjustments('[]', 'lurking')"),
    "approve_adjustments": ("ana", "(finance.approve_adjustments(1)).row_count"),
    "assign_reserve_policy": ("ana", "finance.assign_reserve_policy('s1', 'standard', 'lurking')"),
    "approve_reserve_assignments": ("ana", "finance.approve_reserve_assignments(1)"),
    "freeze_batch": (ORCHESTRATOR, "finance.freeze_batch('2026-W47')"),
    "append_response_chunk": (ORCHESTRATOR, "finance.append_response_chunk(1, 1, 1, '{}')::text"),
    "end_attempt": (ORCHESTRATOR, "finance.end_attempt(1, 1, 1, 200, true, '')::text"),
    "record_lookup": (ORCHESTRATOR, "finance.record_lookup('{}')"),
    "store_balances": (ORCHESTRATOR, "finance.store_balances('{}')"),
    "store_ledger": (ORCHESTRATOR, "finance.store_ledger('USDT_TRC20', '{}')"),
    "compare_books": (ORCHESTRATOR, "finance.compare_books()"),
    "mark_posted": (ORCHESTRATOR, "finance.mark_posted(1)::text"),
    "store_close": (ORCHESTRATOR, "finance.store_close('2026-W47')"),
}
# What writes and may run inside of another query: dbt's own hand-over, locks that end with a
# session, alerts and sightings, which decide nothing, and a seller's page.
NOT_PLAIN = {
    "finance.begin_build", "finance.begin_handover", "finance.complete_build", "finance.hand_over",
    "finance.hold_lock", "finance.take_turn",
    "finance.alert_changed_definitions", "finance.alert_contradictions", "finance.alert_stopped",
    "finance.raise_alert", "finance.raise_alert_once", "finance.sight_wallets",
    "portal.enter",
}  # fmt: skip
# Functions that a login may call, may write, and reach no such check.
UNCHECKED = """
with recursive ours as (
    select p.oid, n.nspname || '.' || p.proname as name, p.prosrc, p.proacl, p.provolatile
    from pg_proc as p inner join pg_namespace as n on p.pronamespace = n.oid
    where n.nspname in ('finance', 'portal', 'halfin', 'dbt_reads')
),

checked as (
    select o.oid, o.name from ours as o where o.prosrc like '%finance.require_plain_call()%'
    union
    select o.oid, o.name from ours as o
    inner join checked as c on position(c.name || '(' in o.prosrc) > 0
)

select distinct o.name from ours as o cross join lateral aclexplode(o.proacl) as a
where a.grantee <> 0 and pg_get_userbyid(a.grantee) <> 'settle_owner' and o.provolatile = 'v'
and not exists (select from checked as c where c.oid = o.oid)
"""
VIEWS = {
    "in the view itself": "create view settlement.trap as select {call} as x",
    "in a function": """
        create function settlement.spring() returns text language plpgsql as $f$
        begin execute $e$ select {call} $e$; return 'x'; end $f$;
        create view settlement.trap as select settlement.spring() as x
    """,
    "in a function of SQL": """
        create function settlement.spring() returns text language sql volatile as
        $f$ select ({call})::text $f$;
        create view settlement.trap as select settlement.spring() as x
    """,
}
DONE = """
select (select count(*) from finance.approvals) + (select count(*) from finance.pauses)
    + (select count(*) from finance.policies where proposed_by = 'ana')
    + (select count(*) from finance.wallet_blocks) + (select count(*) from finance.payout_batches)
    + (select count(*) from finance.go_lives) + (select count(*) from finance.reserve_assignments)
"""


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        market.close()
        prepare(market)
        yield market


def prepare(market: Market) -> None:
    """A schema of dbt's that somebody opened to all: who decides has no business there."""
    market.at(DUE)
    market.rows(OWNER, "grant usage on schema settlement to public")
    market.rows(DBT, "set role settle_dbt")
    market.rows(DBT, "create view settlement.one as select 1 as x")
    market.rows(DBT, "grant select on settlement.one to public")
    market.rows(DBT, """create view settlement.odd as select 'x'::text as "it's" """)
    market.rows(DBT, "grant select on settlement.odd to public")


def readings(decision: str) -> tuple[str, ...]:
    """What a person or a component may send that has the trap in it."""
    name = f"finance.{decision}("
    return (
        "select * from settlement.trap",
        f"select x, '{name}' from settlement.trap",
        f"/* {name} */ select * from settlement.trap",
        f'select x as "{name}" from settlement.trap',
        "do $$ begin perform x from settlement.trap; end $$",
        "create temporary table t as select * from settlement.trap",
    )


@pytest.mark.parametrize("hidden", VIEWS)
@pytest.mark.parametrize("decision", DECISIONS)
def test_a_view_that_decides_is_refused(market: Market, decision: str, hidden: str) -> None:
    who, call = DECISIONS[decision]
    market.rows(
        DBT,
        "drop view if exists settlement.trap; drop function if exists settlement.spring();"
        + VIEWS[hidden].format(call=call)
        + "; grant select on settlement.trap to public",
    )
    before = market.value(OWNER, DONE)
    for reading in readings(decision):
        said = market.refusal(who, reading)
        assert said == NESTED or said.startswith("permission denied"), reading
    assert market.value(OWNER, DONE) == before


def test_whatever_else_writes_decides_nothing(market: Market) -> None:
    assert {row["name"] for row in market.rows(OWNER, UNCHECKED)} == NOT_PLAIN


@pytest.mark.parametrize(
    "query",
    [
        "select finance.hold_seller('s1', 'x'); select 1",
        "do $$ begin perform finance.hold_seller('s1', 'x'); end $$",
        "prepare p as select finance.hold_seller('s1', 'x'); execute p",
        # Quotation marks inside of names, and what is no plain literal.
        """select "it's", finance.hold_seller('s1', '') from "settlement".odd where "it's" > '('""",
        r"select finance.hold_seller('s1', E'\'') from settlement.one where '(' <> ''",
        "select finance.hold_seller('s1', 'x') from settlement.one",
        "select finance.hold_seller('s1', 'x') where exists (select from \"settlement\".one)",
    ],
)
def test_a_decision_is_a_statement_of_its_own(market: Market, query: str) -> None:
    with market.connect("ana") as ana, pytest.raises(psycopg.Error) as error:
        ana.execute(query.encode())
    assert error.value.diag.message_primary == NESTED


def test_a_statement_prepared_under_anothers_name_does_not_decide(market: Market) -> None:
    """A view prepares a decision under the name by which a client runs something else."""
    with market.connect("ana") as ana:
        ana.execute("prepare innocent as select finance.hold_seller('s1', 'x')")
        result = ana.pgconn.exec_prepared(b"innocent", [])
    assert NESTED in result.error_message.decode()


def test_a_name_of_several_lines_is_not_taken_for_ours(market: Market) -> None:
    """The call stack shows names as they are, line ends and all."""
    market.rows(
        DBT,
        """
        drop view if exists settlement.trap;
        create or replace function settlement."x
PL/pgSQL function finance.money(" () returns text language plpgsql as $f$
        begin perform finance.pause_payouts('lurking'); return 'x'; end $f$;
        create view settlement.trap as select settlement."x
PL/pgSQL function finance.money("() as x;
        grant select on settlement.trap to public
        """,
    )
    with market.connect("ana") as ana:
        ana.execute("set search_path = settlement, pg_catalog")
        with pytest.raises(psycopg.Error) as error:
            ana.execute("select x, finance.money(1) from trap")
    assert error.value.diag.message_primary == NESTED


def test_a_server_that_translates_its_messages_is_named(market: Market) -> None:
    """Every decision was refused as one from inside of another query."""
    german = (
        "PL/pgSQL-Funktion finance.require_plain_messages() Zeile 5 bei GET DIAGNOSTICS\n"
        "SQL-Anweisung »SELECT finance.require_plain_messages()«"
    )
    name = "finance.require_plain_messages()"
    source = market.value(OWNER, f"select pg_get_functiondef('{name}'::regprocedure)")
    rule = "get diagnostics v_stack = pg_context;"
    assert source.count(rule) == 1
    market.rows(OWNER, source.replace(rule, f"v_stack := '{german}';"))
    try:
        for who, call in (("ana", "hold_seller('s1', 'x')"), (ORCHESTRATOR, "store_close('x')")):
            assert market.refusal(who, f"select finance.{call}").startswith(
                "this server translates its messages (lc_messages is C), and refuses decisions"
            )
    finally:
        market.rows(OWNER, source)
    market.rows("ana", "select finance.hold_seller('s1', 'x')")


def test_a_note_may_say_anything(market: Market) -> None:
    note = "see settlement.windows; it''s what finance.approve( did"
    market.rows("ana", f"select finance.hold_seller('s2', '{note}');")
    market.rows("ana", "select finance.release_hold(%s, %s, %s)", WINDOW, "s2", note)
