"""What of the rail's answers is its ledger, and where that ends."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import Market, forward, odd_rail, rail
from tests.functions.situations import due


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def row(number: int, at: str) -> dict[str, Any]:
    return {"id": str(number), "type": "deposit", "amount": "1", "created_at": at}


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ({"data": None}, "no list in its answer"),
        ({"error": {}}, "no list in its answer"),
        (
            {"data": [{"id": "1", "amount": "1"}], "meta": {"pagination": {"has_more": True}}},
            "again",
        ),
    ],
)
def test_an_answer_that_is_no_ledger_is_none(
    market: Market, listed: dict[str, Any], said: str
) -> None:
    """200 and nothing in it, or one page for ever: neither is all that the rail has."""

    def shows(request: Request, body: bytes) -> Response:
        if "/ledger" not in request.url.path:
            return forward(url, request, body)
        return JSONResponse(listed)

    with rail() as url, odd_rail(url, shows, "GET") as odd:
        with pytest.raises(SettleError, match=rf"does not tell the ledger of .*{said}\)"):
            market.pay(odd)
        assert market.lines("1") == []
        assert market.value("dora", "select count(*) from halfin.ledger_entries") == 0


def test_a_ledger_is_read_to_its_end_whatever_the_rail_says_of_its_pages(market: Market) -> None:
    """It does not say whether a page is the last, and has dated a row years ahead."""
    entries = [row(n, f"2026-11-2{n % 4}T08:00:00Z") for n in range(30)]
    entries.sort(key=lambda entry: entry["created_at"], reverse=True)
    entries.insert(0, row(1000, "2099-01-01T00:00:00Z"))

    def shows(request: Request, body: bytes) -> Response:
        if "/ledger" not in request.url.path:
            return forward(url, request, body)
        offset = int(request.query_params["offset"])
        return JSONResponse({"data": entries[offset : offset + 100]})

    with rail() as url, odd_rail(url, shows, "GET") as odd:
        reconcile(market.at_rail(odd))
        entries[1:1] = [row(n, "2026-11-24T08:00:00Z") for n in range(100, 350)]
        reconcile(market.at_rail(odd))
    query = "select count(*) from halfin.ledger_entries where currency = 'USDT_SPL'"
    assert market.value("dora", query) == len(entries)
