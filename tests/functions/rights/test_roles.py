"""Who may do what: every role against everything, and the little that each may do."""

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from orchestrator.config import Environment, load_settings
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.database.versions import FOLDER
from orchestrator.errors import SettleError
from tests.functions.market import CLOSE, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK

LOGINS = {"dbt", ORCHESTRATOR, WEBHOOK, "portal", "ana", "dora"}  # ana: finance, dora: analyst


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        # A copy of a database does not take the rights on it along.
        market.rows(OWNER, (FOLDER / "roles.sql").read_text())
        market.close()
        yield market


INSERT_EVENT = "insert into halfin.webhook_events (signature, body{}) values ('t', '{{}}'{})"
REFUSED = {
    WEBHOOK: [
        "select count(*) from halfin.webhook_events",
        INSERT_EVENT.format(", event_type", ", 'payout.completed'"),
        INSERT_EVENT.format(", payload", ", '{}'"),
        INSERT_EVENT.format("", "") + " returning webhook_event_id",
        "update halfin.webhook_events set signature = ''",
        "delete from halfin.webhook_events",
        "select finance.record_payout('{}', 'lookup')",
        "select count(*) from finance.payout_lines",
    ],
    "portal": [
        "select wallet_address from marketplace.sellers",
        "select wallet_address from finance.window_close_rows",
        "select wallet_address from marketplace.sellers",
        "select finance.payable('2026-W47')",
        INSERT_EVENT.format("", ""),
    ],
    ORCHESTRATOR: [
        "select finance.approve('2026-W47', '')",
        "select finance.hold_seller('s1', 'x')",
        "select finance.release_hold('2026-W47', 's1', 'x')",
        "select finance.begin_build('settlement')",
        "insert into finance.approvals (payout_window, run, digest, currency, line_count,"
        " total_minor) values ('2026-W47', 1, 'x', 'USD', 1, 1)",
        "update finance.payout_lines set state = 'completed'",
        "update finance.payout_batches set state = 'rejected'",
        "insert into finance.seller_holds (seller_id, note) values ('s1', 'x')",
        "insert into finance.policies (name, amount_minor, note) values ('maximum_line', 1, 'x')",
        "select finance.propose_policy('maximum_line', '', 1, 'x')",
        "select finance.confirm_policy(1)",
        "select finance.enter_adjustment('s1', 1, 'x')",
        "select finance.approve_adjustment(1)",
        "select finance.accept_check('2026-W47', 'x', 'x')",
        "select finance.pause_payouts('x')",
        "select finance.resume_payouts('x')",
        "select finance.block_wallet('x', 'x')",
        "select finance.unblock_wallet('x', 'x')",
        "select finance.close_break(1, 'x')",
        "select finance.declare_rejected('2026-W47', 'x')",
        "select finance.record_payout('{}', 'lookup')",
        "select finance.return_lines('{x}', 'failed')",
        "select dbt_reads.disputes()",
        "insert into finance.call_attempts (batch_id, sequence, attempt) values (1, 1, 1)",
        "update finance.payout_calls set body = ''",
        "delete from finance.line_windows",
        "insert into halfin.ledger_entries values ('x', 'x', 'x', 1, 'x', now())",
        "update finance.alerts set posted_at = now()",
        "select finance.open_break('x', 'x', 'x')",
        "select finance.approve_erasure('s1', '')",
        "update finance.breaks set closed_at = now()",
        "insert into marketplace.sellers select * from marketplace.sellers",
        "update marketplace.sellers set wallet_address = 'mine'",
        INSERT_EVENT.format("", ""),
    ],
    "dbt": [
        "select finance.store_close('2026-W47')",
        "select finance.approve('2026-W47', '')",
        "select finance.freeze_batch('2026-W47')",
        "insert into finance.window_closes select * from finance.window_closes",
        "update marketplace.orders set gross_amount = 1",
        "update finance.build_instants set completed_at = now()",
        "select dbt_reads.disputes()",
        "select finance.preflight('2026-W47', '')",
        "create function dbt_reads.mine() returns int language sql as 'select 1'",
        "set role settle_reader",
        "create table finance.mine ()",
    ],
    "ana": [
        "select finance.store_close('2026-W47')",
        "select finance.freeze_batch('2026-W47')",
        "select finance.begin_attempt(1, 1)",
        "select finance.end_attempt(1, 1, 1, 400, true, null)",
        "select finance.conclude_call(1, 1)",
        "select finance.leave_to_people(1)",
        "select finance.record_lookup('{}')",
        "select finance.store_ledger('USDT_SPL', '{}')",
        "select finance.store_balances('{}')",
        "select finance.reject_batch(null, null)",
        "select finance.return_lines('{x}', 'failed')",
        "update finance.breaks set closed_at = now(), closed_by = 'ana'",
        "insert into finance.pauses (note) values ('x')",
        "insert into finance.resumes (pause_id, note, resumed_by) values (1, 'x', 'ben')",
        "insert into finance.batch_rejections (batch_id, note, declared_by) values (1, 'x', 'ben')",
        "insert into finance.check_acceptances (payout_window, check_name, detail, note,"
        " accepted_by) values ('2026-W47', 'x', 'x', 'x', 'ben')",
        "update finance.wallet_blocks set lifted_at = now(), lifted_by = 'ben'",
        "update finance.adjustments set approved_at = now(), approved_by = 'ben'",
        "insert into finance.approvals (payout_window, run, digest, currency, line_count,"
        " total_minor, approved_by) values ('2026-W47', 1, 'x', 'USD', 1, 1, 'ben')",
        "update finance.approvals set revoked_at = null",
        "insert into finance.hold_releases (payout_window, seller_id, reason, note, released_by)"
        " values ('2026-W47', 's1', 'x', 'x', 'ben')",
        "insert into finance.adjustments (seller_id, amount_minor, reason) values ('s1', 1, 'x')",
        "update finance.policies set amount_minor = 0",
        "insert into finance.policies (name, amount_minor, note, confirmed_by, confirmed_at)"
        " values ('maximum_line', 1, 'x', 'ben', now())",
        "update marketplace.sellers set wallet_address = 'mine'",
        INSERT_EVENT.format("", ""),
    ],
    "dora": [
        "select finance.begin_build('settlement')",
        "select finance.approve('2026-W47', '')",
        "select finance.hold_seller('s1', 'x')",
        "select finance.enter_adjustment('s1', 1, 'x')",
        "select finance.pause_payouts('x')",
        "select finance.begin_attempt(1, 1)",
        "select finance.close_break(1, 'x')",
        "delete from finance.alerts",
        "create view public.mine as select 1",
    ],
}
FOR_ALL = [
    "insert into finance.clock (now_at) values (now())",
    "update finance.clock set now_at = now()",
    "delete from finance.clock",
    "select finance.set_environment('production')",
    "update finance.installation set environment = 'demo'",
    "truncate finance.payout_lines",
    "create table public.mine ()",
    "set role settle_owner",
    "set session authorization ben",
    "create role mine",
    "alter function settle_now() rename to mine",
]


@pytest.mark.parametrize("login", sorted(LOGINS))
def test_what_a_role_must_not_do(market: Market, login: str) -> None:
    # An analyst's session writes where it says so, and then their rights refuse.
    market.rows(login, "set default_transaction_read_only = off")
    for query in REFUSED[login] + FOR_ALL:
        said = market.refusal(login, query)
        assert said.startswith(("permission denied", "must be owner of")), (query, said)
    assert "permission denied" in market.refusal(login, "create schema mine")


ALLOWED = {
    WEBHOOK: [INSERT_EVENT.format("", "")],
    "portal": ["select settle_now()"],
    ORCHESTRATOR: [
        "select finance.store_close('2026-W47')",
        "select count(*) from finance.payout_lines",
        "select count(*) from marketplace.sellers",
        "select finance.raise_alert('test', 'x', 'x')",
        "insert into finance.wallet_checks (wallet_address, is_valid, detail)"
        " values ('x', false, '')",
    ],
    "dbt": [
        "select finance.begin_build('settlement')",
        "select finance.complete_build('settlement')",
        "select count(*) from marketplace.orders",
        "select count(*) from halfin.webhook_events",
        "create table asof_settlement.mine ()",
        "create temporary table t ()",
    ],
    "ana": [
        "select finance.hold_seller('s1', 'x')",
        "select finance.release_hold('2026-W47', 's1', 'x')",
        "select finance.revoke_approval('2026-W47')",
        "select count(*) from finance.window_close_rows",
        "select * from finance.payout_obstacles('2026-W47')",
    ],
    "dora": [
        "select count(*) from finance.payout_lines",
        "select count(*) from halfin.webhook_events",
        "select finance.payable('2026-W47')",
    ],
}


@pytest.mark.parametrize("login", sorted(LOGINS))
def test_the_little_a_role_may_do(market: Market, login: str) -> None:
    for query in ALLOWED[login]:
        market.rows(login, query)


def test_production_locks_the_clock_for_good() -> None:
    with Market.open(is_fresh=True) as market:
        market.at(CLOSE)
        development = replace(market.settings, is_environment_given=True)
        production = replace(development, environment=Environment.PRODUCTION)
        prepare_database(production, is_asked=True)
        set_clock(production)
        assert market.value(OWNER, "select count(*) from finance.clock") == 0
        real = market.value("dora", "select settle_now()")
        assert abs(real.timestamp() - time.time()) < 60
        locked = "the clock is locked in production: unset SETTLE_NOW"
        now = datetime.now(UTC)
        insert = "insert into finance.clock (now_at) values (%s)"
        assert market.refusal(OWNER, insert, now) == locked
        with pytest.raises(SettleError, match=f"^{locked}$"):
            set_clock(replace(development, now=now.isoformat()))
        with pytest.raises(SettleError, match=r"^SETTLE_NOW is refused in production: unset it"):
            load_settings({"SETTLE_ENV": "production", "SETTLE_NOW": now.isoformat()})
        with pytest.raises(SettleError, match=r"^this database is production and "):
            prepare_database(development)
        assert market.refusal(OWNER, "select finance.set_environment('demo')") == (
            "this database is production and stays so: SETTLE_ENV is demo, use another database"
        )
        assert market.value("dora", "select environment from finance.installation") == "production"
