"""A seller's pages over real HTTP: what they show, whom they show it to."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import settings

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.web.headers import HEADERS
from orchestrator.web.portal.queries import SellerData
from orchestrator.web.portal.routes import OPENAPI, SellerPages
from tests.support.closed_week import FINANCE, SECOND, WINDOW
from tests.web.seller_site import OLD_SECRET, SellerSite, seller_site

API = schemathesis.openapi.from_dict(json.loads(OPENAPI.read_text()))


@pytest.fixture(scope="module")
def site() -> Iterator[SellerSite]:
    with seller_site() as site:
        yield site


def words_of(page: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub("<[^>]*>", "", page).split())


def total(rows: list[dict[str, str]], column: str = "amount") -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal())


def test_the_description_lists_every_json_address(site: SellerSite) -> None:
    """The fuzz test below holds what is behind them; a parameter that is read is described too."""
    described = json.loads(OPENAPI.read_text())
    routes = {route.path for route in SellerPages(SellerData(""), ["x"]).routes()}
    addresses = {path for path in routes if path.endswith(".json") and "{" in path}
    assert set(described["paths"]) == addresses
    assert httpx.get(f"{site.url}/s/openapi.json", trust_env=False).json() == described


def test_balances_equal_the_reserve_view(site: SellerSite) -> None:
    for state in ("completed", "failed", "submitted", "held"):
        found = site.json(state)
        [known] = site.desk.rows(
            Component.ORCHESTRATOR,
            "select * from settlement.seller_reserve where seller_id = %s",
            site.sellers[state],
        )
        for name in ("pending_balance", "available_balance", "in_transit", "paid_out"):
            assert Decimal(found[name]) == known[name], name
        assert total(found["releases"]) == known["pending_balance"]
        orders = site.json(state, "orders.json")["orders"]
        assert total(orders, "held_amount") == known["pending_balance"]
        assert len(orders) == found["reserve_order_count"]


def test_the_terms_of_orders_of_now_are_told_with_why_and_until_when(site: SellerSite) -> None:
    """People's decision, read at once; and what of each earlier order stays until when."""
    seller = site.sellers["completed"]
    terms = site.json("completed")["reserve_policy"]
    assert (terms["policy"], terms["decided_by"], terms["reserve_days"]) == ("standard", None, 7)
    assert "An order of today becomes available 7 days after it is placed." in words_of(
        site.get(site.link(seller)).text
    )
    site.desk.done(FINANCE, "reserve", "assign", seller, "elevated", "--note", "chargebacks")
    site.desk.done(SECOND, "reserve", "approve", "1")
    terms = site.json("completed")["reserve_policy"]
    assert terms == {
        "policy": "elevated",
        "decided_by": "people",
        "applies_from": terms["applies_from"],
        "applies_until": None,
        "reserve_days": 7,
        "holdback_percent": "25",
        "holdback_days": 30,
    }
    shown = words_of(site.get(site.link(seller)).text)
    assert "7 days after it is placed; 25 % of it is held back for 30 days more." in shown
    assert "We decided so for your account. Earlier orders keep their own terms." in shown
    orders = site.json("completed", "orders.json")["orders"]
    assert {order["reserve_policy"] for order in orders} == {"standard"}


def test_why_a_flagged_or_a_new_seller_has_other_terms(site: SellerSite) -> None:
    flagged, fresh = site.sellers["failed"], site.sellers["submitted"]
    with connect(site.desk.settings, Component.OWNER) as owner:
        owner.execute(
            "insert into finance.flag_assignments"
            " (payout_window, seller_id, policy, review_reasons, applies_from)"
            " values (%s, %s, 'elevated', '{spike}', settle_now())",
            [WINDOW, flagged],
        )
        owner.execute(
            "insert into settlement_seeds.new_seller_policies"
            " values (settle_now() - interval '1 hour', 'new_seller', 5000)"
        )
    review = site.json("failed")["reserve_policy"]
    assert (review["policy"], review["decided_by"]) == ("elevated", "review")
    assert "once it finds nothing for a while, this ends by itself. Earlier orders" in words_of(
        site.get(site.link(flagged)).text
    )
    first_days = site.json("submitted")["reserve_policy"]
    assert (first_days["policy"], first_days["decided_by"]) == ("new_seller", "new_seller")
    until = datetime.fromisoformat(first_days["applies_until"])
    shown = words_of(site.get(site.link(fresh)).text)
    assert f"This holds for orders placed before {until:%a} {until.day} {until:%b %Y}" in shown
    assert "14 days after it is placed; 10 % of it is held back for 30 days more." in shown


def test_a_year_adds_up_to_its_quarters_and_months(site: SellerSite) -> None:
    found = site.json("completed", "years/2026.json")
    seller = site.sellers["completed"]
    for name in ("ordered", "consideration", "fees", "paid"):
        assert total(found["quarters"], name) == total(found["months"], name), name
        assert total(found["months"], name) == Decimal(found["total"][name]), name
    [known] = site.desk.rows(
        Component.ORCHESTRATOR,
        "select sum(amount_minor) / 100.00 as ordered, count(*) filter (where entry_type = 'order')"
        " as orders from settlement.entries"
        " where seller_id = %s and entry_type in ('order', 'holdback')",
        seller,
    )
    assert Decimal(found["total"]["ordered"]) == known["ordered"] > 0
    assert found["total"]["ordered_count"] == known["orders"]
    assert Decimal(found["total"]["paid"]) == Decimal(site.json("completed")["paid_out"]) > 0
    assert (found["earlier"], found["later"]) == (None, None)

    before = site.json("completed", "years/2025.json")
    assert (before["total"], before["months"], before["later"]) == (None, [], 2026)
    page = site.get(f"{site.link(seller)}/years/2025")
    assert "Nothing was ordered, became available or was paid in 2025." in page.text
    assert site.get(f"{site.link(seller)}/years/26").status_code == 400


def test_what_the_open_week_will_pay_follows_from_the_balances(site: SellerSite) -> None:
    """Also right after a payout or a failure, before anything is built again."""
    for state in ("completed", "failed", "submitted", "held"):
        found = site.json(state)
        [week] = [week for week in found["weeks"] if week["status"] == "open"]
        released = [
            order
            for order in site.json(state, "orders.json")["orders"]
            if order["dispute_window_closes_at"] < week["closes_at"]
        ]
        assert Decimal(week["amount"]) == Decimal(found["available_balance"]) + total(
            released, "held_amount"
        )


def test_page_shows_the_values_of_the_json(site: SellerSite) -> None:
    found = site.json("completed")
    answer = site.get(site.link(site.sellers["completed"]))
    assert answer.status_code == 200
    for amount in (found["available_balance"], found["pending_balance"], found["paid_out"]):
        assert f"{Decimal(amount):,.2f}" in answer.text
    assert "<script" not in answer.text
    assert "style=" not in answer.text
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("completed", "Paid"),
        ("submitted", "On its way"),
        ("failed", "The amount was credited back to your balance and is part of your next payout."),
        ("held", "We review this payout before it is sent."),
    ],
)
def test_payout_outcomes_are_explained(site: SellerSite, state: str, said: str) -> None:
    text = site.get(site.link(site.sellers[state])).text
    assert said in text
    assert "a question about the wallet" not in text  # a note among colleagues


def test_receipt_sums_to_its_payout_as_page_json_and_csv(site: SellerSite) -> None:
    [paid] = site.json("completed")["payouts"]
    found = site.json("completed", f"receipts/{WINDOW}.json")
    assert found["amount"] == found["total"] == paid["amount"]
    assert sum(total(part["items"]) for part in found["windows"]) == Decimal(paid["amount"])
    base = f"{site.link(site.sellers['completed'])}/receipts/{WINDOW}"
    file = site.get(f"{base}.csv")
    assert f'filename="receipt-{WINDOW}.csv"' in file.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert total(rows) == Decimal(paid["amount"])
    shown = site.get(base).text
    for row in rows:
        assert row["source_id"] in shown or row["order_id"] in shown


@pytest.mark.parametrize("window", ["2026-W01", "x", "%00", "%0a", "../.."])
def test_window_without_a_payout_has_no_receipt(site: SellerSite, window: str) -> None:
    base = site.link(site.sellers["held"])
    for end in ("", ".json", ".csv"):
        assert site.get(f"{base}/receipts/{window}{end}").status_code == 404


def test_times_are_shown_in_the_requested_zone(site: SellerSite) -> None:
    link = site.link(site.sellers["completed"])
    assert "Tue 24 Nov 2026, 08:00" in site.get(link).text
    there = site.get(link, zone="Asia/Kolkata").text
    assert "Tue 24 Nov 2026, 13:30" in there
    assert "zone=Asia%2FKolkata" in there
    for odd in ("Mars/Olympus", "'; drop", "../../etc/passwd", "\x00"):
        assert "Days and hours are those of UTC." in site.get(link, zone=odd).text


def test_orders_are_paginated(site: SellerSite) -> None:
    everything = site.json("completed", "orders.json")["orders"]
    assert len(everything) > 1
    second = site.json("completed", "orders.json", offset="1", limit="1")["orders"]
    assert second == everything[1:2]
    for bad in ({"offset": "-1"}, {"limit": "0"}, {"limit": "1001"}, {"offset": "x"}):
        link = f"{site.link(site.sellers['completed'])}/orders.json"
        assert site.get(link, **bad).status_code == 400


def test_link_opens_one_seller_until_it_expires(site: SellerSite) -> None:
    seller, other = site.sellers["completed"], site.sellers["failed"]
    good = site.link(seller)
    rotated = site.get(site.link(seller, secret=OLD_SECRET))
    assert rotated.status_code == 200
    expired = site.get(site.link(seller, seconds=-1))
    assert (expired.status_code, "expired" in expired.text) == (403, True)
    claim, _, signature = good.rpartition(".")
    refused = [
        site.link(other).rpartition(".")[0] + "." + signature,  # another seller, this signature
        f"{claim}.{signature[:-1]}",
        f"{claim}.{signature.upper()}",
        f"{claim[:-1]}{(int(claim[-1]) + 1) % 10}.{signature}",
        site.link(seller, secret="c" * 32),
        site.link(seller, seconds=32 * 86_400),
        f"{site.url}/s/x",
        f"{site.url}/s/é.1.é",
    ]
    answers = [site.get(link) for link in refused]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1  # and no hint which was nearly one
    assert seller not in answers[0].text


def test_invalid_links_rate_limit_the_address_but_not_valid_links(site: SellerSite) -> None:
    there = {"X-Forwarded-For": "203.0.113.7"}  # as the proxy in front says
    with httpx.Client(headers=there, trust_env=False, timeout=60) as somebody:
        statuses = [somebody.get(f"{site.url}/s/{n}").status_code for n in range(25)]
        assert (statuses[0], statuses[-1]) == (404, 429)
        assert somebody.get(site.link(site.sellers["completed"])).status_code == 200
    assert site.get(f"{site.url}/s/x").status_code == 404


def test_unknown_seller_and_unknown_path_show_a_message_page(site: SellerSite) -> None:
    unknown = site.get(site.link("nobody"))
    assert (unknown.status_code, "No payouts yet" in unknown.text) == (404, True)
    assert site.get(f"{site.url}/nothing").status_code == 404
    found = site.get(f"{site.link('nobody')}/statement.json")
    assert (found.status_code, found.json()["error"]["status"]) == (404, 404)


def test_portal_login_reads_one_seller_and_no_table(site: SellerSite) -> None:
    mine, other = site.sellers["completed"], site.sellers["failed"]
    with connect(site.desk.settings, Component.PORTAL, autocommit=True) as portal:

        def value(query: str) -> object:
            row = portal.execute(query.encode()).fetchone()
            return row[0] if row else None

        assert value("select portal.statement('UTC')") is None
        with portal.transaction():
            portal.execute("select set_config('portal.seller', %s, true)", [mine])
            assert mine in str(value("select portal.statement('UTC')"))
            assert other not in str(value("select portal.statement('UTC')"))
        assert value(f"select portal.receipt('{WINDOW}')") is None  # nobody is left over
        for query in (
            "select 1 from settlement.seller_reserve",
            "select 1 from finance.payout_lines",
            "select 1 from marketplace.orders",
            f"select finance.sellers_now('{other}')",
            f"select finance.receipt('{WINDOW}', '{other}')",
            "create table portal.mine ()",
            "create temporary table mine ()",
            "set role settle_owner",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                portal.execute(query.encode())


@API.parametrize()
@settings(max_examples=40, deadline=None)
def test_json_conforms_to_its_openapi_description(
    case: schemathesis.Case, site: SellerSite
) -> None:
    case.path_parameters["token"] = site.link(site.sellers["completed"]).rpartition("/")[2]
    case.call_and_validate(base_url=site.url)
