"""The marketplace's backend has a login that writes facts and sellers, and can do nothing else.

Whoever replicated the marketplace's tables had the owner's login, and with it approvals.
"""

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as
from orchestrator.database.people import add_person, remove_person
from orchestrator.errors import SettleError
from orchestrator.web.desk.queries import groups_of
from tests.support.closed_week import WINDOW, closed_week

SHOP = "shop"
PASSWORD = "not easy to guess"  # noqa: S105 - of a server that is gone in a minute
SELLER = """
insert into marketplace.sellers (
    seller_id, display_name, region, fast_settlement, wallet_address, status, payouts_enabled,
    created_at, updated_at, payout_schedule, payout_minimum
) values ('z1', 'Zed', 'EU', false, %s, 'active', true, now(), now(), 'monthly', 20)
on conflict (seller_id) do update set
    display_name = excluded.display_name, region = excluded.region,
    fast_settlement = excluded.fast_settlement, wallet_address = excluded.wallet_address,
    status = excluded.status, payouts_enabled = excluded.payouts_enabled,
    created_at = excluded.created_at, updated_at = excluded.updated_at,
    payout_schedule = excluded.payout_schedule, payout_minimum = excluded.payout_minimum
"""
FACTS = (
    "insert into marketplace.orders (order_id, checkout_id, seller_id, currency, gross_amount,"
    " exchange_rate, ordered_at) values ('zo', 'zc', 'z1', 'EUR', 5, 1.0837, now())"
    " on conflict (seller_id, order_id) do nothing",
    "insert into marketplace.order_fees (fee_id, order_id, seller_id, fee_type, amount, charged_at)"
    " values ('zf', 'zo', 'z1', 'commission', 1, now())"
    " on conflict (seller_id, fee_id) do nothing",
    "insert into marketplace.refunds (refund_id, order_id, seller_id, amount, refunded_at, reason,"
    " reverses_refund_id) values ('zr', 'zo', 'z1', 1, now(), 'late', 'zq')"
    " on conflict (seller_id, refund_id) do nothing",
    "insert into marketplace.dispute_events (dispute_event_id, dispute_id, order_id, seller_id,"
    " event_type, amount, occurred_at) values ('ze', 'zd', 'zo', 'z1', 'withdrawn', null, now())"
    " on conflict (seller_id, dispute_event_id) do nothing",
    "insert into marketplace.seller_charges (charge_id, seller_id, charge_type, amount, charged_at,"
    " note) values ('zh', 'z1', 'subscription', 29, now(), 'November')"
    " on conflict (seller_id, charge_id) do nothing",
)
REFUSED = (
    "update marketplace.orders set gross_amount = 1",
    "delete from marketplace.orders",
    "truncate marketplace.orders",
    "delete from marketplace.seller_charges",
    # Which transaction wrote a fact decides what counts as late.
    "insert into marketplace.seller_charges (charge_id, seller_id, charge_type, amount, charged_at,"
    " landed_xid) values ('zl', 'z1', 'storage', 1, now(), 1)",
    "update marketplace.sellers set seller_id = 'z2' where seller_id = 'z1'",
    "delete from marketplace.sellers",
    "alter table marketplace.orders disable trigger all",
    "create table marketplace.mine ()",
    "create temporary table mine ()",
    "select * from finance.payout_lines",
    "select * from finance.wallet_sightings",
    "insert into finance.wallet_sightings (seller_id, wallet_address) values ('z1', 'mallory')",
    "select * from settlement.windows",
    f"select finance.approve('{WINDOW}', 'digest')",
    "select finance.hold_lock('decisions')",
    "insert into halfin.webhook_events (signature, body) values ('', '')",
    "select portal.payouts()",
    "select lo_create(0)",
    "set role settle_owner",
)


@pytest.fixture(scope="module")
def settings() -> Settings:
    settings = closed_week().copy()
    add_person(settings, SHOP, PASSWORD, "marketplace")
    return settings


def test_it_writes_facts_and_sellers(settings: Settings) -> None:
    with connect_as(settings, SHOP, PASSWORD) as shop:
        for wallet in ("wallet-1", "wallet-2", "wallet-2"):
            shop.execute(SELLER, [wallet])
        for fact in FACTS:
            shop.execute(fact.encode())
            assert shop.execute(fact.encode()).rowcount == 0
    with connect(settings, Component.OWNER) as owner:
        seen = owner.execute(
            "select wallet_address from finance.wallet_sightings where seller_id = 'z1'"
            " order by sighting_id"
        ).fetchall()
    assert seen == [("wallet-1",), ("wallet-2",)]


def test_it_can_do_nothing_else(settings: Settings) -> None:
    with connect_as(settings, SHOP, PASSWORD) as shop:
        for query in REFUSED:
            with pytest.raises(psycopg.errors.InsufficientPrivilege), shop.transaction():
                shop.execute(query.encode())


def test_every_column_of_a_seller_but_the_id_can_change(settings: Settings) -> None:
    """A column that a migration adds has to be granted too."""
    with connect(settings, Component.OWNER) as owner:
        found = owner.execute(
            "select attname from pg_attribute where attrelid = 'marketplace.sellers'::regclass"
            " and attnum > 0 and not attisdropped"
            " and not has_column_privilege('shop', attrelid, attnum, 'update')"
        ).fetchall()
    assert found == [("seller_id",)]


def test_a_programs_login_is_no_persons(settings: Settings) -> None:
    """Whoever knows the backend's password must not come to approve with it."""
    with pytest.raises(SettleError, match="a program's login is not a person's"):
        add_person(settings, SHOP, PASSWORD, "finance")
    with pytest.raises(SettleError, match="a program's login is not a person's"):
        add_person(settings, "ana", PASSWORD, "marketplace")
    with connect_as(settings, SHOP, PASSWORD) as shop:
        assert groups_of(shop) == (False, False)  # the console lets it in no more than a component


def test_it_can_be_taken_away(settings: Settings) -> None:
    add_person(settings, "shop_two", PASSWORD, "marketplace")
    remove_person(settings, "shop_two")
    with (
        pytest.raises(SettleError, match="unknown, or the password"),
        connect_as(settings, "shop_two", PASSWORD),
    ):
        pass
