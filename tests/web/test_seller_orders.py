"""Orders in other currencies, parts held back, and disputes by their last word, on seller pages."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.web.seller_site import SellerSite, seller_site

# A yen is 0.66 cents here. Of `yen` a tenth is held back for 30 days longer; `kept` was released
# yesterday but for its holdback. `theirs` is the same order id of another seller.
ORDERS = """
insert into settlement_core.int_orders (
    seller_id, order_id, currency, gross_amount, decimals, cents_per_unit, gross_minor,
    holdback_minor, ordered_at, first_known_at, known_at, release_at, holdback_until,
    paying_window_ends_at
)
select
    o.seller_id, o.order_id, o.currency, o.amount, o.decimals, o.rate, o.amount * o.rate,
    o.amount * o.rate / 10, b.as_of - interval '9 days', b.as_of, b.as_of,
    b.as_of + o.days * interval '1 day', b.as_of + (o.days + 30) * interval '1 day', b.as_of
from settlement_core.int_build as b
cross join (
    values
    (%(seller)s, 'yen', 'JPY', 15000, 0, 0.66, 2),
    (%(seller)s, 'kept', 'USD', 50, 2, 100, -1),
    (%(other)s, 'yen', 'EUR', 70, 2, 108, 2)
) as o (seller_id, order_id, currency, amount, decimals, rate, days)
"""
ENTRIES = """
insert into settlement_core.int_entries (
    seller_id, order_id, source_id, entry_type, amount_minor, occurred_at, known_at, available_at,
    window_starts_at
)
select
    o.seller_id, o.order_id, o.order_id, e.entry_type, e.amount_minor, o.ordered_at, o.known_at,
    case when e.entry_type = 'holdback' then o.holdback_until else o.release_at end, o.known_at
from settlement_core.int_orders as o
cross join lateral (
    values
    ('order', o.gross_minor - o.holdback_minor), ('holdback', o.holdback_minor), ('fee', -1000)
) as e (entry_type, amount_minor)
where o.order_id in ('yen', 'kept')
"""
# Dispute, order, event, amount, what it claims and takes; (!) has no effect.
EVENTS = (
    ("won", "yen", "opened", 5000, 5000, 3300),
    ("won", "yen", "won", 5000, -5000, -3300),
    ("split", "yen", "opened", 1000, 1000, 660),
    ("split", "kept", "opened", 20, 20, 2000),
    ("split", "kept", "lost", 15, -5, -500),
    ("taken back", "kept", "opened", 10, 10, 700),  # no more than that was left of the gross
    ("taken back", "kept", "withdrawn", 0, -10, -700),
    ("again", "kept", "opened", 10, 10, 1000),
    ("again", "kept", "opened!", 99, 0, 0),
    ("again", "kept", "won", 10, -10, -1000),
    ("again", "kept", "opened", 12, 12, 1200),
    ("late", "kept", "opened", 30, 0, 0),
)
DISPUTE = """
insert into settlement_core.int_disputes (
    seller_id, order_id, dispute_id, opened_event_id, opened_minor, opened_at, opened_known_at,
    has_outcome, is_in_time
)
select %(seller)s, %(order)s, %(dispute)s, '', 0, b.as_of, b.as_of, false, %(dispute)s <> 'late'
from settlement_core.int_build as b
on conflict do nothing
"""
EVENT = """
insert into settlement_core.int_dispute_claims (
    seller_id, order_id, dispute_id, dispute_event_id, event_type, is_effective, is_in_time,
    amount, amount_minor, claimed_amount, occurred_at, known_at, release_at
)
select
    %(seller)s, %(order)s, %(dispute)s, %(event)s::text, rtrim(%(type)s, '!'), %(type)s !~ '!',
    %(dispute)s <> 'late', %(amount)s, round(%(amount)s::numeric * o.cents_per_unit),
    %(claimed)s, o.known_at + %(event)s::text::integer * interval '1 hour',
    o.known_at + %(event)s::text::integer * interval '1 hour', o.release_at
from settlement_core.int_orders as o
where o.seller_id = %(seller)s and o.order_id = %(order)s
"""
CLAIM = """
insert into settlement_core.int_claims (
    seller_id, order_id, claim_type, claim_id, claimed_amount, effective_minor, cut_off_minor
)
values (%(seller)s, %(order)s, %(claim)s, %(event)s, %(claimed)s, %(effective)s, 0)
"""
GO_LIVE = """
with went as (
    insert into finance.go_lives (
        payout_window, starts_at, note, proposed_by, approved_by, approved_at
    )
    select c.payout_window, c.window_starts_at, 'the old system ends', 'ana', 'ben', c.closed_at
    from finance.window_closes as c order by c.window_starts_at limit 1
    returning go_live_id
)
insert into finance.opening_balances
select go_live_id, %(seller)s, 4510 from went
"""


def fill(owner: psycopg.Connection[Any], seller: str, other: str) -> None:
    def put(query: str, **values: Any) -> None:
        owner.execute(query.encode(), values)

    put(ORDERS, seller=seller, other=other)
    put(ENTRIES)
    put(GO_LIVE, seller=seller)
    for number, (dispute, order, kind, amount, claimed, effective) in enumerate(EVENTS):
        values: dict[str, Any] = {"seller": seller, "order": order, "dispute": dispute}
        values |= {"event": str(number), "type": kind, "amount": amount, "claimed": claimed}
        put(DISPUTE, **values)
        put(EVENT, **values)
        # A refund may have the event's id, and so may an event of another seller.
        put(CLAIM, **values, claim=f"dispute_{kind}", effective=effective)
        put(CLAIM, **values, claim="refund", effective=77)
        put(CLAIM, **(values | {"seller": other}), claim=f"dispute_{kind}", effective=77)


@pytest.fixture(scope="module")
def site() -> Iterator[SellerSite]:
    with seller_site() as site:
        with connect(site.desk.settings, Component.OWNER) as owner:
            fill(owner, site.sellers["completed"], site.sellers["failed"])
        yield site


def test_an_order_shows_its_own_currency_and_what_is_held_back(site: SellerSite) -> None:
    found = {order["order_id"]: order for order in site.json("completed", "orders.json")["orders"]}
    yen, kept = found["yen"], found["kept"]
    assert (yen["gross"], yen["order_amount"], yen["order_currency"]) == ("99.00", "15000", "JPY")
    assert (yen["held_amount"], yen["held_back"]) == ("89.00", "9.90")
    assert (kept["held_amount"], kept["held_back"]) == ("5.00", "5.00")
    assert kept["dispute_window_closes_at"] < site.json("completed")["as_of"]
    text = site.get(f"{site.link(site.sellers['completed'])}/orders").text
    assert "15000 JPY" in text
    assert "9.90 is held back until" in text
    assert "50.00 USD" not in text


def test_an_order_is_released_in_two_parts(site: SellerSite) -> None:
    found = site.json("completed")
    orders = site.json("completed", "orders.json")["orders"]
    by_day: dict[str, Decimal] = {}
    for order in orders:
        held, back = Decimal(order["held_amount"]), Decimal(order["held_back"])
        if order["dispute_window_closes_at"] > found["as_of"]:
            day = order["dispute_window_closes_at"][:10]
            by_day[day] = by_day.get(day, Decimal()) + held - back
        if back:
            day = order["held_back_until"][:10]
            by_day[day] = by_day.get(day, Decimal()) + back
    assert {row["day"]: Decimal(row["amount"]) for row in found["releases"]} == by_day
    assert found["reserve_order_count"] == len(orders)
    assert found["held_back"] == "14.90"
    [week] = [week for week in found["weeks"] if week["status"] == "open"]
    soon = [row for row in found["releases"] if row["day"] < week["closes_at"][:10]]
    assert Decimal(week["amount"]) == Decimal(found["available_balance"]) + sum(
        Decimal(row["amount"]) for row in soon
    )
    assert (
        "14.90 of it is held back for longer."
        in site.get(site.link(site.sellers["completed"])).text
    )


def test_the_last_word_of_a_dispute_counts(site: SellerSite) -> None:
    columns = (
        *("amount", "order_amount", "order_currency", "outcome", "given_back", "borne"),
        "borne_by",
    )
    found = {
        (row["dispute_id"], row["order_id"]): tuple(row[name] for name in columns)
        for row in site.json("completed")["disputes"]
    }
    assert found == {
        ("won", "yen"): ("33.00", "5000", "JPY", "won", "33.00", "0.00", "seller"),
        # One dispute over two orders is judged order by order.
        ("split", "yen"): ("6.60", "1000", "JPY", None, None, "6.60", "seller"),
        ("split", "kept"): ("20.00", "20.00", "USD", "lost", "5.00", "15.00", "seller"),
        ("taken back", "kept"): ("10.00", "10.00", "USD", "withdrawn", "7.00", "0.00", "seller"),
        ("again", "kept"): ("12.00", "12.00", "USD", None, None, "12.00", "seller"),
        ("late", "kept"): ("30.00", "30.00", "USD", None, None, "0.00", "marketplace"),
    }
    text = " ".join(site.get(site.link(site.sellers["completed"])).text.split())
    assert '<span class="state bad">Lost</span> 5.00 came back. 15.00 stays deducted.' in text
    assert '<span class="state good">Withdrawn</span> 7.00 came back. </td>' in text
    assert '<span class="state">Open</span> 12.00 is deducted until it is decided.' in text


def test_statement_of_finance_shows_the_same(site: SellerSite) -> None:
    statement = site.desk.json("statement", site.sellers["completed"])
    own = site.json("completed", "orders.json")["orders"]
    assert statement["orders_in_reserve"] == own
    assert statement["held_back"] == "14.90"
    assert "Of it 14.90 is held back for longer" in statement["why_they_differ"]
    said = site.desk.settle.done("statement", site.sellers["completed"])
    [line] = [line.split() for line in said.splitlines() if line.startswith("yen ")]
    assert line[:5] == ["yen", "99.00", "15000", "JPY", "89.00"]


def test_an_opening_balance_shows_as_carried_in(site: SellerSite) -> None:
    seller, link = site.sellers["completed"], site.link(site.sellers["completed"])
    assert site.json("completed")["opening_balance"] == "45.10"
    assert site.json("failed")["opening_balance"] is None
    carried = "Carried in from the system that paid you before"
    assert carried in site.get(link).text
    assert carried not in site.get(site.link(site.sellers["failed"])).text
    statement = site.desk.json("statement", seller)
    [first] = site.desk.rows(
        Component.ORCHESTRATOR, "select min(payout_window) as window from finance.window_closes"
    )
    assert statement["opening_balance"] == {"payout_window": first["window"], "amount": "45.10"}
    said = site.desk.settle.done("statement", seller)
    assert f"45.10 carried in from the old system with {first['window']}" in said
