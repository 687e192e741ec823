"""The grants, all of them, as the catalog has them: a new one has to be written down here too."""

from collections.abc import Iterator

import pytest

from orchestrator.database.versions import FOLDER
from tests.functions.market import Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK

LOGINS = {"dbt", ORCHESTRATOR, WEBHOOK, "portal", "ana", "dora"}  # ana: finance, dora: analyst
READERS = {"dbt", ORCHESTRATOR, "ana", "dora"}

# Every function of ours that anybody but the owner may call. What is not here, nobody may.
CALLERS = {
    "window_starts_at window_ends_at window_label window_named payout_due_at as_of money"
    " decimal_amount policy payout_status ledger_kind latest_closed_window current_holds"
    " window_position payable covering_approvals current_run payout_runs run_name"
    " failed_checks pause_message wallet_account tron_address named_wallet"
    " payout_obstacles funding changed_definitions cluster_identifier"
    " reserve_decisions held_sellers held_digest refused_sellers rest_of_refused"
    " node_faults pseudonym_of": READERS,
    "begin_build complete_build require_distributed begin_handover refuse_changed_policies"
    " hand_over is_flag_change": {"dbt"},
    "hold_lock take_turn store_close sight_wallets alert_contradictions has_no_attempt"
    " store_balances payouts_to_know lookups_of_call"
    " preflight freeze_batch next_call call_body begin_attempt append_response_chunk"
    " end_attempt conclude_call leave_to_people open_lookups record_lookup record_untold"
    " ledgers_to_read ledgers_to_pay"
    " ledger_knows ledger_knows_weeks ledger_missing has_certain_response"
    " store_ledger compare_books raise_alert raise_alert_once unposted_alerts mark_posted"
    " alert_stopped alert_changed_definitions prune_raw_texts"
    " claim_events end_post unclaim_events replay_events": {ORCHESTRATOR},
    "approve revoke_approval hold_seller release_hold block_wallet unblock_wallet"
    " block_wallets hold_sellers release_sellers release_reason approve_rest"
    " enter_adjustment approve_adjustment withdraw_adjustment propose_policy confirm_policy"
    " withdraw_policy accept_check accept_seen_check pause_payouts resume_payouts close_break"
    " declare_rejected resolve_line withdraw_batch revoke_links"
    " propose_go_live approve_go_live withdraw_go_live"
    " enter_adjustments approve_adjustments withdraw_adjustments"
    " assign_reserve_policy assign_reserve_policies approve_reserve_assignment"
    " approve_reserve_assignments withdraw_reserve_assignment"
    " withdraw_reserve_assignments"
    " propose_erasure approve_erasure withdraw_erasure": {"ana"},
    "enter seller statement payouts opening_balance balances disputes reserve_orders reserve_policy"
    " settlement_timezone year_of_a_seller": {"portal"},
    "receipt": READERS | {"portal"},  # of any seller for those who read, of one for the portal
}
PINNED = "search_path=pg_catalog, pg_temp"
# Every right on a table of ours beside reading it.
WRITERS = {
    ("finance.backtests", "INSERT"): {ORCHESTRATOR},
    ("finance.wallet_checks", "INSERT"): {ORCHESTRATOR},
    ("halfin.webhook_events", "INSERT"): {WEBHOOK},
}


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        yield market


def test_who_may_call_which_function(market: Market) -> None:
    found = market.rows(
        OWNER,
        "select p.proname as name, l.login from pg_proc as p"
        " cross join unnest(%s::text[]) as l (login)"
        " where p.pronamespace::regnamespace::text in ('finance', 'halfin', 'portal', 'dbt_reads')"
        " and has_function_privilege(l.login, p.oid, 'execute')"
        " and p.proowner in ('settle_owner'::regrole, 'settle_reader'::regrole)",
        sorted(LOGINS),
    )
    assert {(row["name"], row["login"]) for row in found} == {
        (name, login)
        for names, logins in CALLERS.items()
        for name in names.split()
        for login in logins
    }


def test_who_may_read_and_write_which_table(market: Market) -> None:
    found = market.rows(
        OWNER,
        "select c.oid::regclass::text as name, l.login, r.privilege from pg_class as c"
        " cross join unnest(%s::text[]) as l (login)"
        " cross join unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER}'::text[])"
        " as r (privilege)"
        " where c.relkind in ('r', 'p', 'v') and c.relnamespace in"
        " ('finance'::regnamespace, 'halfin'::regnamespace, 'marketplace'::regnamespace)"
        " and case when r.privilege in ('SELECT', 'INSERT', 'UPDATE')"
        " then has_any_column_privilege(l.login, c.oid, r.privilege)"
        " else has_table_privilege(l.login, c.oid, r.privilege) end"
        " and has_schema_privilege(l.login, c.relnamespace, 'usage')",
        sorted(LOGINS),
    )
    writers: dict[tuple[str, str], set[str]] = {}
    for row in found:
        if row["privilege"] == "SELECT":
            assert row["login"] in READERS
        else:
            writers.setdefault((row["name"], row["privilege"]), set()).add(row["login"])
    assert writers == WRITERS


def test_functions_are_pinned_and_closed(market: Market) -> None:
    """An owner's function that looks a name up where its caller may write is the caller's."""
    functions = market.rows(
        OWNER,
        "select p.oid::regprocedure::text as name, p.prosecdef, p.proconfig,"
        " p.proowner::regrole::text as owner, p.pronamespace::regnamespace::text as schema,"
        " exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a"
        " where a.grantee = 0) as is_public"
        " from pg_proc as p"
        " where p.proowner in ('settle_owner'::regrole, 'settle_reader'::regrole)",
    )
    assert len(functions) > 80
    for function in functions:
        # What dbt builds is read with the rights of settle_reader, and with no others.
        assert (function["owner"] == "settle_reader") is (function["schema"] == "dbt_reads")
        assert function["prosecdef"] or function["schema"] != "dbt_reads", function
        # With an empty path a temporary type of the caller's, named text, would come first.
        is_pinned = PINNED in (function["proconfig"] or ())
        assert is_pinned or not (function["prosecdef"] or function["proconfig"]), function
        assert function["is_public"] is (function["name"] == "settle_now()"), function
    owners = market.rows(
        OWNER,
        "select distinct c.relowner::regrole::text as owner from pg_class as c where"
        " c.relnamespace::regnamespace::text in ('finance', 'halfin', 'marketplace')",
    )
    assert owners == [{"owner": "settle_owner"}]


def test_what_others_may_call_says_what_it_does(market: Market) -> None:
    undescribed = market.rows(
        OWNER,
        "select p.oid::regprocedure::text as name from pg_proc as p"
        " where p.pronamespace::regnamespace::text in ('finance', 'halfin', 'portal', 'dbt_reads')"
        " and exists (select from aclexplode(p.proacl) as a where a.grantee <> p.proowner)"
        " and obj_description(p.oid, 'pg_proc') is null order by 1",
    )
    assert [row["name"] for row in undescribed] == []


def test_only_our_logins_connect_and_only_dbt_has_temporary_tables(market: Market) -> None:
    # A copy of a database does not take the rights on it along.
    market.rows(OWNER, (FOLDER / "roles.sql").read_text())
    rights = market.rows(
        OWNER,
        "select l.login, has_database_privilege(l.login, current_database(), 'temporary') as temp,"
        " has_database_privilege(l.login, current_database(), 'create') as make"
        " from unnest(%s::text[]) as l (login)",
        sorted(LOGINS),
    )
    assert [row["login"] for row in rights if row["temp"]] == ["dbt"]
    assert [row["login"] for row in rights if row["make"]] == []
    market.rows(OWNER, "create role stranger_of_this_test")
    try:
        assert not market.value(
            OWNER,
            "select has_database_privilege('stranger_of_this_test', current_database(), 'connect')",
        )
    finally:
        market.rows(OWNER, "drop role stranger_of_this_test")
