"""Asking the rail: lines without an outcome, failures, its own ledger page by page."""

import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import DUE, Line, Market, books, eventually, forward, odd_rail, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.rail_events import concluded, look_up, payout, receive
from tests.functions.situations import due


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def asked(market: Market, url: str) -> int:
    return reconcile(market.at_rail(url))


def settled(url: str, **by_status: int) -> None:
    eventually(lambda: books(url)["by_status"] == by_status)


def test_outcomes_come_by_asking_too(market: Market) -> None:
    """Every webhook lost: nothing is, and the rail's fees stand on the lines."""
    with rail() as url:
        market.pay(url)
        settled(url, completed=3)
        assert asked(market, url) == 3
        assert asked(market, url) == 0
        fees = market.lines("seller_id, network_fee + fee_amount")
        assert dict(fees) == {
            "s1": Decimal("1.12345"),
            "s10": Decimal("3.4"),
            "s2": Decimal("0.01007"),
        }
        ledger = market.rows(
            "dora",
            "select l.seller_id, -sum(e.amount) filter (where e.entry_type = 'payout') as paid,"
            " -sum(e.amount) filter (where e.entry_type = 'fee') as fees"
            " from halfin.ledger_entries as e"
            " inner join finance.payout_lines as l on e.payout_id = l.payout_id"
            " group by 1 order by 1",
        )
    assert [(row["seller_id"], row["paid"]) for row in ledger] == [
        ("s1", Decimal("123.45")),
        ("s10", Decimal("1000")),
        ("s2", Decimal("0.07")),
    ]
    assert [(row["seller_id"], row["fees"]) for row in ledger] == fees
    assert market.kinds("breaks") == market.kinds("alerts") == []


def test_a_ledger_of_many_pages_is_read_up_to_what_is_known(market: Market) -> None:
    pages: list[str] = []

    def see(request: Request, body: bytes) -> Response:
        if "/ledger" in request.url.path:
            pages.append(f"{request.url.path.split('/')[-2]} {request.query_params['offset']}")
        return forward(url, request, body)

    many = [Line(f"s{n}", 100, "SPL") for n in range(120)]
    with Market.open() as market, rail() as url:
        market.approved(*many)
        market.pay(url)
        settled(url, completed=120)
        with odd_rail(url, see, "GET") as odd:
            asked(market, odd)
            # 120 payouts, 120 fees and the opening deposit.
            assert pages == ["USDT_SPL 0", "USDT_SPL 100", "USDT_SPL 200"]
            pages.clear()
            asked(market, odd)
            assert pages == ["USDT_SPL 0"]
    assert market.value("dora", "select count(*) from halfin.ledger_entries") == 241


def test_entries_of_one_instant_are_read_in_whatever_order(market: Market) -> None:
    """The rail has 120 of an instant, and then 40 more of it, behind a page of those before."""
    entries = [ledger_row(n, "2026-11-24T08:00:00Z") for n in range(120)]
    first = [ledger_row(1000, "2026-11-23T08:00:00Z")]

    def shows(request: Request, body: bytes) -> Response:
        if "/ledger" not in request.url.path:
            return forward(url, request, body)
        offset = int(request.query_params["offset"])
        shown = (entries + first)[offset : offset + 100]
        more = {"has_more": offset + 100 < len(entries + first)}
        return JSONResponse({"data": shown, "meta": {"pagination": more}})

    with rail(auto_approve=False) as url, odd_rail(url, shows, "GET") as odd:
        market.pay(odd)
        asked(market, odd)
        entries[110:110] = [ledger_row(n, "2026-11-24T08:00:00Z") for n in range(200, 240)]
        asked(market, odd)
    query = "select count(*) from halfin.ledger_entries where currency = 'USDT_SPL'"
    assert market.value("dora", query) == 161


def test_a_failure_is_asked_about_whatever_its_call_was_answered(market: Market) -> None:
    """Since a restore other bytes have the call's key at the rail: it never says more than 409."""
    market.freeze()
    conflict = json.dumps({"error": {"code": "conflict", "message": "Key reused"}})
    assert concluded(market, 409, conflict)["batch_state"] == "unknown"
    receive(market, "payout.failed")
    failed = payout(market)["id"]
    asked_for = market.rows(ORCHESTRATOR, "select path, rail_id from finance.open_lookups()")
    assert asked_for == [{"path": "/v1/payouts", "rail_id": failed}]
    assert look_up(market, "failed") == 1
    assert market.lines("state, returned_at", f"l.payout_id = '{failed}'") == [("failed", DUE)]
    assert market.rows(ORCHESTRATOR, "select * from finance.open_lookups()") == []


def test_a_row_that_becomes_visible_behind_known_ones_is_read(market: Market) -> None:
    """The rail counts it. One that is older than two weeks is told, once."""
    days = [DUE - timedelta(days=n // 20) for n in range(500)]
    entries = [ledger_row(n, day.isoformat()) for n, day in enumerate(days)]
    asked_for: list[int] = []

    def shows(request: Request, body: bytes) -> Response:
        if "/ledger" not in request.url.path:
            return forward(url, request, body)
        offset = int(request.query_params["offset"])
        if "USDT_SPL" in request.url.path:
            asked_for.append(offset)
        more = {"has_more": offset + 100 < len(entries), "total": len(entries)}
        found = {"data": entries[offset : offset + 100], "meta": {"pagination": more}}
        return JSONResponse(found)

    def known() -> Any:
        query = "select count(*) from halfin.ledger_entries where currency = 'USDT_SPL'"
        return market.value("dora", query)

    with rail(auto_approve=False) as url, odd_rail(url, shows, "GET") as odd:
        market.pay(url)
        for late, place, reads, count in (
            (None, 0, [0, 100, 200, 300, 400], 500),
            (None, 0, [0], 500),
            (600, 250, [0, 100, 200, 300], 501),  # 12 days ago
            (None, 0, [0], 501),
            (700, 450, [0, 100, 200, 300], 501),  # 22 days ago
            (None, 0, [0, 100, 200, 300], 501),
        ):
            if late:
                entries[place:place] = [ledger_row(late, entries[place]["created_at"])]
            asked_for.clear()
            asked(market, odd)
            assert (asked_for, known()) == (reads, count)
    assert market.kinds("alerts") == ["ledger_incomplete"] * 3  # one for each currency


def ledger_row(number: int, at: str) -> dict[str, Any]:
    return {"id": str(number), "type": "deposit", "amount": "1", "created_at": at}


def test_half_a_ledger_is_none(market: Market) -> None:
    """The second page fails: the first is not kept, or the next read would stop at it."""
    many = [Line(f"s{n}", 100, "SPL") for n in range(120)]

    def answer(request: Request, body: bytes) -> Response:
        if request.query_params.get("offset") == "100":
            return JSONResponse({"error": {"code": "internal_error", "message": "broke"}}, 404)
        return forward(url, request, body)

    with Market.open() as market, rail() as url:
        market.approved(*many)
        market.pay(url)
        count = "select count(*) from halfin.ledger_entries"
        assert market.value("dora", count) == 1  # the opening deposit
        settled(url, completed=120)
        with odd_rail(url, answer, "GET") as odd, pytest.raises(SettleError) as error:
            asked(market, odd)
        assert str(error.value) == (
            "the rail does not tell about the ledger of USDT_SPL (broke); 120 other lines got an"
            " outcome: run settle reconcile again later"
        )
        assert market.value("dora", count) == 1
        asked(market, url)
        assert market.value("dora", count) == 241


def test_money_that_the_ledger_shows_as_paid_is_asked_for(market: Market) -> None:
    """Failed and confirmed, and then completed without a word: the ledger tells."""
    with rail() as url:
        market.pay(url)
        settled(url, completed=3)
        receive(market, "payout.failed", id=_payout_id(market, "s1"), **_shown(market, "s1"))
        market.rows(
            OWNER,
            "select finance.record_failed(l, '{}', 'lookup') from finance.payout_lines as l"
            " where l.seller_id = 's1'",
        )
        assert market.lines("state, returned_at", "seller_id = 's1'") == [("failed", DUE)]
        assert asked(market, url) == 3
    assert market.lines("state, retaken_at", "seller_id = 's1'") == [("completed", DUE)]
    assert market.kinds("alerts") == ["completed_after_failed"]


def _payout_id(market: Market, seller: str) -> str:
    [(found,)] = market.lines("payout_id", f"seller_id = '{seller}'")
    return str(found)


def _shown(market: Market, seller: str) -> dict[str, Any]:
    [row] = market.rows("dora", "select * from finance.payout_lines where seller_id = %s", seller)
    return {
        "amount": f"{row['amount_minor'] / 100:.6f}",
        "currency": row["rail_currency"],
        "destination": row["wallet_address"],
        "metadata": {"line_id": row["line_id"]},
    }
