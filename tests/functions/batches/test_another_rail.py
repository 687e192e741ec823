"""Another rail, account or environment than before: there the key of a call protects nobody."""

import json

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from orchestrator.settlement.reconcile import reconcile
from tests.functions.market import (
    DUE,
    LINES,
    NEXT_WINDOW,
    WEEK,
    Line,
    Market,
    books,
    eventually,
    forward,
    odd_rail,
    rail,
)
from tests.functions.payment_server import OWNER
from tests.functions.rail_events import concluded, receive
from tests.functions.situations import due, sent

PRODUCTION = "select finance.set_environment('production')"


def test_a_call_that_may_have_been_read_goes_to_no_other_rail() -> None:
    """Its answer was lost, then somebody set the address of another account."""

    def lose(request: Request, body: bytes) -> Response:
        forward(url, request, body)
        return JSONResponse({}, 500)

    with due() as market, rail() as url, rail() as other:
        market.pay(url)
        market.close(Line("s2", 700, "SPL"), weeks=1)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        with odd_rail(url, lose) as odd, pytest.raises(SettleError):
            market.pay(odd, NEXT_WINDOW)
        [(known,)] = market.lines("payout_id", f"l.seller_id = '{LINES[0].seller}'")
        for _ in range(2):
            with pytest.raises(SettleError) as error:
                market.pay(other, NEXT_WINDOW)
            assert str(error.value) == (
                f"a call of 2026-W48 may be with another rail than this one, which does not know"
                f" payout {known}: nothing was sent; set HALFIN_BASE_URL and HALFIN_API_KEY to the"
                " address and account that paid before, then run settle pay 2026-W48 again"
            )
        assert market.kinds("alerts").count("another_rail") == 1
        assert market.pay(url, NEXT_WINDOW).state == "accepted"
        assert (books(url)["payouts"], books(other)["payouts"]) == (len(LINES) + 1, 0)


def test_one_payout_that_the_rail_never_had_stops_nothing() -> None:
    """A webhook named it, before the response that was lost."""
    with due(LINES[0]) as market, rail() as url:
        market.pay(url)
        market.close(Line("s2", 700, "SPL"), weeks=1)
        market.approve("ana", window=NEXT_WINDOW)
        market.at(DUE + WEEK)
        batch = market.freeze(NEXT_WINDOW)
        concluded(market, 500, "", batch=batch)
        receive(market, "payout.failed", id="another")
        assert market.pay(url, NEXT_WINDOW).state == "accepted"


def test_a_rail_with_more_coins_than_a_page_pays() -> None:
    """It lists 20 rows where nobody asks for more, and ours come last."""

    def lists(request: Request, body: bytes) -> Response:
        found = forward(url, request, body)
        said = json.loads(bytes(found.body))
        if request.url.path.endswith(("/currencies", "/balances")):
            other = [row | {"code": "X", "currency": "X"} for row in said["data"]] * 10
            limit = int(request.query_params.get("limit", "20"))
            return JSONResponse(said | {"data": (other + said["data"])[:limit]})
        return found

    with due() as market, rail() as url, odd_rail(url, lists, "GET") as odd:
        assert market.pay(odd).state == "accepted"


def test_a_rail_that_shows_no_batch_is_asked_for_each_payout() -> None:
    """Its webhook said failed; nobody could confirm it, and the money never came back."""

    def hides(request: Request, body: bytes) -> Response:
        if "/v1/payouts/batch" in request.url.path:
            return JSONResponse({"error": {"code": "not_found", "message": "no route"}}, 404)
        return forward(url, request, body)

    with due() as market, rail(failure_rate=1.0) as url, odd_rail(url, hides, "GET") as odd:
        market.pay(odd)
        eventually(lambda: books(url)["by_status"] == {"failed": len(LINES)})
        assert reconcile(market.at_rail(odd)) == len(LINES)
        assert market.lines("state, returned_at") == [("failed", DUE)] * len(LINES)


def test_what_paid_with_a_test_key_never_becomes_production() -> None:
    """Its sellers would count as paid with money that there never was."""
    with sent() as market:
        assert market.refusal(OWNER, PRODUCTION) == (
            "this database has sent payouts in development: their sellers would count as paid;"
            " start production with a database of its own"
        )


def test_what_a_test_rail_refused_may_become_production() -> None:
    with Market.open(is_fresh=True) as market:
        market.approved(LINES[0])
        market.freeze()
        refused = {"error": {"code": "validation_error", "message": "no"}}
        assert concluded(market, 400, json.dumps(refused))["batch_state"] == "rejected"
        market.rows(OWNER, PRODUCTION)
