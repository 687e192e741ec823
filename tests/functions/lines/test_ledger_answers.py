"""What of the rail's answers is its ledger, and where that ends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import LINES, Market, forward, odd_rail, rail
from tests.functions.rail_events import concluded, payout
from tests.functions.situations import due

LONG = "".join(sha256(bytes([n])).hexdigest() for n in range(200))  # no index takes it


@contextmanager
def showing(url: str, path: str, page: str) -> Iterator[str]:
    """The rail at `url`, but for one path, of which it always shows this."""

    def shows(request: Request, body: bytes) -> Response:
        if request.url.path.endswith(path):
            return Response(page)
        return forward(url, request, body)

    with odd_rail(url, shows, "GET") as odd:
        yield odd


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


def test_a_page_that_the_database_cannot_read_is_no_ledger(market: Market) -> None:
    """Its number is one to Python, and none to Postgres: the rows beside it would be left out."""
    entry = row(1, "2026-11-20T08:00:00Z") | {"note": "HUGE"}
    page = json.dumps({"data": [entry, row(2, "2026-11-20T08:00:00Z")]})
    page = page.replace('"HUGE"', "1e999999")
    with rail() as url, showing(url, "USDT_TRC20/ledger", page) as shown:
        with pytest.raises(SettleError, match="a page that cannot be read"):
            market.pay(shown)
        assert market.lines("1") == []


def test_one_row_that_cannot_be_kept_hides_no_other(market: Market) -> None:
    """A character that jsonb has none for made the page one without rows; a long id stopped all."""
    odd = (
        row(1, "2026-11-20T08:00:00Z") | {"type": "a\0b"},
        row(2, "2026-11-20T08:00:00Z") | {"type": "\ud800", "note": "\\u0000"},
        row(3, "2026-11-20T08:00:00Z") | {"id": LONG},
        row(4, "2026-11-20T08:00:00Z") | {"payout_id": LONG, "amount": "-5"},
        row(5, "2026-11-20T08:00:00Z") | {"type": "payout", "payout_id": "p1", "amount": "-6"},
    )
    with (
        rail() as url,
        showing(url, "USDT_TRC20/ledger", json.dumps({"data": odd})) as shown,
        pytest.raises(SettleError, match=f"payout {LONG[:255]}.*payout p1 "),
    ):
        reconcile(market.at_rail(shown))
    query = "select count(*) from halfin.ledger_entries where currency = 'USDT_TRC20'"
    assert market.value("dora", query) == len(odd)
    found = market.rows("dora", "select subject from finance.breaks order by break_id")
    assert {row["subject"] for row in found} == {LONG[:255], "p1"}


@pytest.mark.parametrize("where", ["payout", "batch"])
def test_an_id_that_no_index_takes_leaves_the_call_unknown(market: Market, where: str) -> None:
    """Else nobody could ever draw the consequences of what the rail answered."""
    market.freeze()
    shown = [payout(market, line.seller) for line in LINES]
    if where == "payout":
        shown[0]["id"] = LONG
    body = {"data": {"id": LONG if where == "batch" else "b", "payouts": shown}}
    assert concluded(market, 201, json.dumps(body))["batch_state"] == "unknown"
    assert market.kinds("alerts") == ["unknown"]
