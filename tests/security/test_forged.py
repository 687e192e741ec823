"""An approval is its lines, a destination is the marketplace's, a function is as it was applied."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.migrate import prepare_database
from orchestrator.errors import SettleError
from orchestrator.settlement.alerts import alert_changed_definitions
from tests.functions.market import CLOSE, LINES, WEEK, WINDOW, Market
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
    market.approve("ana")
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


def test_a_week_that_is_not_over_is_not_stored() -> None:
    """Whatever a model says of the time until a close: what came in later would be late for it."""
    with Market.open() as market:
        market.at(CLOSE - WEEK / 2)
        market.build(*LINES, as_of=CLOSE - WEEK / 2)
        market.rows(OWNER, "update settlement_core.int_build set close_lag = '-6 days'")
        assert market.refused_store() == (
            "the build would close a window -6 days from its end, and a window is closed after it:"
            " set close_lag_minutes to 0 or more, and build again"
        )


CHANGES = {
    "source": "create or replace function finance.money(p_minor numeric) returns text"
    " language sql immutable as $$ select '0.00' $$",
    "rights": "alter function finance.approve(text, text) security invoker",
    "settings": "alter function finance.freeze_batch(text, integer, text) set search_path = public",
    "owner": "alter function finance.payable(text) owner to settle_admin",
    "callers": "grant execute on function finance.hold_seller(text, text) to settle_analyst",
    "another": "create function finance.extra() returns integer language sql as 'select 1'",
    "a trigger is off": "alter table finance.approval_lines disable trigger append_only",
    "writers": "grant insert, delete on finance.approvals to settle_analyst",
    "writers of a column": "grant update (note) on finance.pauses to public",
    "makers": "grant create on schema finance to settle_dbt",
}
# What applying all of it again does not bring back, and what a person does.
TABLES = {
    "alter table finance.payout_lines drop constraint payout_lines_amount_minor_check": (
        "constraint payout_lines_amount_minor_check on finance.payout_lines",
        "alter table finance.payout_lines add constraint payout_lines_amount_minor_check"
        " check (amount_minor > 0)",
    ),
    "drop trigger append_only on finance.approval_lines": (
        "trigger append_only on finance.approval_lines",
        "create trigger append_only before delete or truncate on finance.approval_lines"
        " for each statement execute function finance.refuse_change()",
    ),
    "alter table finance.approvals enable row level security": (
        "finance.approvals",
        "alter table finance.approvals disable row level security",
    ),
    "alter table finance.approval_lines disable trigger all": (
        "constraint approval_lines_approval_id_fkey on finance.approval_lines",
        "alter table finance.approval_lines enable trigger all",
    ),
    "alter table finance.seller_holds alter column held_by set default 'ana'": (
        "finance.seller_holds",
        "alter table finance.seller_holds alter column held_by set default session_user",
    ),
    "create rule none as on insert to finance.wallet_blocks do instead nothing": (
        "finance.wallet_blocks",
        "drop rule none on finance.wallet_blocks",
    ),
    "create function public.quiet() returns event_trigger language plpgsql as $$ begin end $$;"
    " create event trigger quiet on ddl_command_start execute function public.quiet()": (
        "event trigger quiet",
        "drop event trigger quiet",
    ),
}


@pytest.fixture
def owned(market: Market) -> Settings:
    """The settings of somebody who has the owner's login."""
    return replace(
        market.settings, urls={**market.settings.urls, Component.OWNER: market.url(OWNER)}
    )


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_not_as_applied_is_told_and_refused(
    market: Market, owned: Settings, change: str
) -> None:
    assert alert_changed_definitions(owned) == 0
    market.rows(OWNER, CHANGES[change])
    assert alert_changed_definitions(owned) == 1
    assert alert_changed_definitions(owned) == 1
    assert market.kinds("alerts") == ["changed_definitions"]
    with pytest.raises(SettleError) as error:
        prepare_database(owned)
    assert str(error.value).startswith("definitions of this database are not as settle applied")
    if change != "owner":  # that takes the other owner's word
        prepare_database(owned, is_asked=True)
        prepare_database(owned)
        assert alert_changed_definitions(owned) == 0
        # The same once more is news.
        market.rows(OWNER, CHANGES[change])
        assert alert_changed_definitions(owned) == 1
        assert market.kinds("alerts") == ["changed_definitions"] * 2


@pytest.mark.parametrize("change", TABLES)
def test_a_table_is_put_back_by_hand(market: Market, owned: Settings, change: str) -> None:
    """Applied again as found, a constraint that somebody dropped would be gone for good."""
    name, repair = TABLES[change]
    market.rows(OWNER, change)
    assert alert_changed_definitions(owned) > 0
    for is_asked, reason in ((False, "definitions of this"), (True, "tables of this")):
        with pytest.raises(SettleError) as error:
            prepare_database(owned, is_asked=is_asked)
        assert str(error.value).startswith(f"{reason} database are not as settle")
        assert name in str(error.value)
    market.rows(OWNER, repair)
    prepare_database(owned)
    assert alert_changed_definitions(owned) == 0


def test_an_upgrade_does_not_take_a_changed_table_for_its_own(
    market: Market, owned: Settings
) -> None:
    market.rows(OWNER, "drop trigger append_only on finance.approval_lines")
    market.rows(OWNER, "update finance.applied_functions set sha256 = 'of an earlier version'")
    with pytest.raises(SettleError, match="trigger append_only on finance"):
        prepare_database(owned, is_asked=True)


def test_payouts_are_paused_also_in_a_database_that_was_changed(
    market: Market, owned: Settings
) -> None:
    market.rows(OWNER, CHANGES["rights"])
    prepare_database(owned, is_emergency=True)
    assert alert_changed_definitions(owned) == 1  # left as it is, for who looks into it


def test_definitions_read_the_same_in_any_session(market: Market) -> None:
    """Another time zone or style of a login was a change of the database."""
    with market.connect("dora") as dora:
        for setting in (
            *("quote_all_identifiers = on", "timezone = 'Asia/Tokyo'", "bytea_output = escape"),
            *("datestyle = 'German, DMY'", "intervalstyle = sql_standard"),
            "extra_float_digits = -15",
        ):
            dora.execute(f"set {setting}".encode())
        assert dora.execute("select * from finance.changed_definitions()").fetchall() == []
