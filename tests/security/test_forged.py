"""An approval is its lines, a destination is the marketplace's, a function is as it was applied."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.config import Component
from orchestrator.database.migrate import prepare_database
from orchestrator.errors import SettleError
from orchestrator.settlement.alerts import alert_changed_functions
from tests.functions.market import CLOSE, LINES, WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER

FREEZE = "select finance.freeze_batch(%s)"
FORGED = """
set role settle_owner;
with forged as (
    insert into finance.approvals
        (payout_window, run, digest, currency, line_count, total_minor, approved_by)
    select payout_window, run, 'forged', currency, line_count, total_minor, 'ana'
    from finance.payable('2026-W47')
    returning approval_id
)
insert into finance.approval_lines
select f.approval_id, h.seller_id, h.net_minor, h.rail, h.rail_currency, h.wallet_address
from forged as f cross join finance.current_holds('2026-W47') as h;
reset role;
"""


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved by one person and due."""
    with Market.open(is_fresh=True) as market:
        market.approved()
        yield market


def test_an_approval_with_another_digest_than_its_lines_freezes_nothing(market: Market) -> None:
    market.rows("ana", "select finance.revoke_approval(%s)", WINDOW)
    market.rows(OWNER, FORGED)
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "the digest of approval 2 of 2026-W47 (ana) is not that of its lines: nothing was frozen;"
        " pause payouts and find out who wrote it"
    )
    assert market.state() == []


def test_a_line_to_another_wallet_than_the_marketplaces_is_not_frozen(market: Market) -> None:
    """Also where what compares them first were wrong: the freeze has its own look."""
    market.rows(
        OWNER,
        "set role settle_owner;"
        " create or replace function finance.sellers_seen(p_seller text default null)"
        " returns table (seller_id text, seller_status text, payouts_enabled boolean,"
        " wallet_address text) language sql as $$ select a.seller_id, a.seller_status,"
        " a.payouts_enabled, coalesce(r.wallet_address, a.wallet_address)"
        " from finance.sellers_now(p_seller) as a left join finance.window_close_rows as r"
        " on a.seller_id = r.seller_id $$; reset role",
    )
    holds = market.value(
        OWNER, "select pg_get_functiondef('finance.current_holds(text, text)'::regprocedure)"
    )
    market.rows(OWNER, holds.replace("finance.sellers_now", "finance.sellers_seen"))
    market.rows(OWNER, "update marketplace.sellers set wallet_address = 'w' where seller_id = 's1'")
    assert market.obstacles() == []
    assert market.refusal(ORCHESTRATOR, FREEZE, WINDOW) == (
        "the marketplace names another wallet for seller s1 than 2026-W47 pays: nothing was"
        " frozen; run it again, and where it stays have the models looked at"
    )


def test_a_released_change_of_wallet_pays_the_stored_one(market: Market) -> None:
    market.rows(OWNER, "update marketplace.sellers set wallet_address = 'w' where seller_id = 's1'")
    market.rows("ben", "select finance.release_hold(%s, 's1', 'they called')", WINDOW)
    market.freeze()
    assert market.lines("wallet_address", "seller_id = 's1'") == [(LINES[0].wallet,)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("window_starts_at", "window_starts_at + interval '1 day'"),
        ("window_ends_at", "window_starts_at + interval '1 second'"),
        ("payout_due_at", "window_ends_at + interval '1 second'"),
    ],
)
def test_a_window_that_is_not_its_calendars_is_not_stored(column: str, value: str) -> None:
    """A model's window of one second would have spoilt all later closes."""
    with Market.open() as market:
        market.at(CLOSE)
        market.build(*LINES)
        market.rows(OWNER, f"update settlement.windows set {column} = {value}")
        assert "which is not its week in UTC: nothing was stored" in market.refused_store()


CHANGES = {
    "source": "create or replace function finance.money(p_minor numeric) returns text"
    " language sql immutable as $$ select '0.00' $$",
    "rights": "alter function finance.approve(text, text) security invoker",
    "settings": "alter function finance.freeze_batch(text, integer, text) set search_path = public",
    "owner": "alter function finance.payable(text) owner to settle_admin",
    "grants": "grant execute on function finance.hold_seller(text, text) to settle_analyst",
    "another": "create function finance.extra() returns integer language sql as 'select 1'",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_function_that_is_not_as_applied_is_told_and_refused(market: Market, change: str) -> None:
    settings = replace(
        market.settings, urls={**market.settings.urls, Component.OWNER: market.url(OWNER)}
    )
    assert alert_changed_functions(settings) == 0
    market.rows(OWNER, CHANGES[change])
    assert alert_changed_functions(settings) == 1
    assert alert_changed_functions(settings) == 1
    assert market.kinds("alerts") == ["changed_functions"]
    with pytest.raises(SettleError) as error:
        prepare_database(settings)
    assert str(error.value).startswith("functions of this database are not as settle applied")
    if change != "owner":  # that takes the other owner's word
        prepare_database(settings, is_asked=True)
        prepare_database(settings)
        assert alert_changed_functions(settings) == 0
        # The same once more is news.
        market.rows(OWNER, CHANGES[change])
        assert alert_changed_functions(settings) == 1
        assert market.kinds("alerts") == ["changed_functions"] * 2
