"""The pages beside the webhooks: whatever becomes of the pages, signed events are stored."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from threading import Event
from typing import NoReturn

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from orchestrator.config import Component
from orchestrator.database.connection import database_url
from orchestrator.errors import SettleError
from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from orchestrator.web.server import create_server
from orchestrator.web.webhooks import Webhooks
from tests.functions.market import DUE, Market
from tests.halfin.sandbox import SIGNING

EVENT = b'{"event": "payout.created", "data": {"id": "p1"}}'


@pytest.fixture(scope="module")
def market() -> Iterator[Market]:
    with Market.open(is_fresh=True) as market:
        market.at(DUE)
        yield market


def client(market: Market, make_pages: Callable[[], Starlette]) -> TestClient:
    webhooks = Webhooks(database_url(market.settings, Component.WEBHOOK), (SIGNING,))
    return TestClient(create_server(webhooks, make_pages), raise_server_exceptions=False)


def post(http: TestClient) -> httpx.Response:
    headers = {SIGNATURE_HEADER: sign(SIGNING, int(time.time()), EVENT)}
    response: httpx.Response = http.post("/webhooks/halfin", content=EVENT, headers=headers)
    return response


def misconfigured() -> NoReturn:
    raise SettleError("a variable is missing")


def broken() -> NoReturn:
    raise ImportError("no such module")


def unopened() -> Starlette:
    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        raise RuntimeError("no connection")
        yield

    return Starlette(lifespan=lifespan)


@pytest.mark.parametrize("make_pages", [misconfigured, broken, unopened])
def test_webhooks_are_stored_when_the_pages_cannot_start(
    market: Market, make_pages: Callable[[], Starlette], caplog: pytest.LogCaptureFixture
) -> None:
    with client(market, make_pages) as http:
        assert post(http).status_code == 204
        assert http.get("/healthz").text == "ok\n"
        page = http.get("/desk")
        assert (page.status_code, page.text) == (503, "The pages are not available.\n")
    assert "no pages are shown" in caplog.text


def test_webhooks_do_not_wait_for_pages_that_start_slowly(market: Market) -> None:
    may_start = Event()

    def slow() -> Starlette:
        assert may_start.wait(30)
        return Starlette(routes=[Route("/desk", lambda _: PlainTextResponse("here"))])

    with client(market, slow) as http:
        try:
            assert post(http).status_code == 204
        finally:
            may_start.set()
        assert http.get("/desk").text == "here"


def test_an_error_of_a_page_is_not_one_of_the_webhooks(market: Market) -> None:
    def fail(_: Request) -> Response:
        raise ValueError("a bug")

    with client(market, lambda: Starlette(routes=[Route("/desk", fail)])) as http:
        assert http.get("/desk").status_code == 500
        assert post(http).status_code == 204


def test_every_other_path_is_answered_by_the_pages(market: Market) -> None:
    """One with a line break too: a mount would not match it."""
    pages = Starlette(routes=[Route("/{name}", lambda _: PlainTextResponse("here"))])
    with client(market, lambda: pages) as http:
        assert [http.get(path).text for path in ("/a", "/a%0Ab")] == ["here", "here"]
