"""While a page of the console is made, few of the sellers' pages are made beside it."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.errors import SettleError
from orchestrator.web import turns
from orchestrator.web.portal.links import DAY_S, link_secrets, make_token
from orchestrator.web.turns import BESIDE_CONSOLE, MOST, Turns
from tests.cli.people import FINANCE
from tests.functions.market import eventually
from tests.web.desk_site import DeskSite, desk_site

# What a page of sellers reads and none of the console's first page, and the other way round.
OF_SELLERS, OF_CONSOLE = "finance.link_revocations", "finance.breaks"
WAITING = (
    "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
    " and datname = current_database() and query like '%%portal.enter%%' = %s"
)


@pytest.fixture(scope="module")
def site() -> Iterator[DeskSite]:
    with desk_site() as site:
        yield site


class Waiting:
    """Pages that the database keeps waiting."""

    def __init__(self, site: DeskSite) -> None:
        self._settings = site.desk.settings

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        with connect(self._settings, Component.OWNER) as owner:
            owner.execute(f"lock table {table} in access exclusive mode".encode())
            yield

    def count(self, *, of_sellers: bool) -> int:
        with connect(self._settings, Component.OWNER) as owner:
            row = owner.execute(WAITING, [of_sellers]).fetchone()
        assert row
        return int(row[0])


def test_the_console_comes_before_sellers(site: DeskSite) -> None:
    waiting = Waiting(site)
    secret = link_secrets(site.desk.settings)[0]
    link = f"{site.url}/s/{make_token('seller-000001', int(time.time()) + DAY_S, secret)}"

    def read() -> int:
        return httpx.get(link, trust_env=False, timeout=60).status_code

    with (
        site.person(FINANCE) as person,
        ThreadPoolExecutor(MOST + 3) as readers,
        waiting.locked(OF_SELLERS),
    ):
        with waiting.locked(OF_CONSOLE):
            desk = readers.submit(lambda: person.get("/desk").status_code)
            eventually(lambda: waiting.count(of_sellers=False) == 1)
            sellers = [readers.submit(read) for _ in range(MOST + 2)]
            eventually(lambda: waiting.count(of_sellers=True) == BESIDE_CONSOLE)
            time.sleep(0.3)  # the others have arrived
            assert waiting.count(of_sellers=True) == BESIDE_CONSOLE
        assert desk.result() == 200
        eventually(lambda: waiting.count(of_sellers=True) == MOST)
    assert [seller.result() for seller in sellers] == [200] * (MOST + 2)


def test_who_has_waited_too_long_is_refused_and_takes_no_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "LONGEST_WAIT_S", 0.1)
    go_on = Event()

    def make(_: Request) -> Response:
        assert go_on.wait(60)
        return PlainTextResponse("made")

    async def ask() -> tuple[list[Response | BaseException], Response]:
        [route] = Turns().sellers([Route("/", make)])
        asked = [asyncio.ensure_future(route.endpoint(request())) for _ in range(MOST)]
        await asyncio.sleep(0)
        late = await asyncio.gather(route.endpoint(request()), return_exceptions=True)
        go_on.set()
        await asyncio.gather(*asked)
        return late, await route.endpoint(request())

    late, after = asyncio.run(ask())
    assert [type(error) for error in late] == [SettleError]
    assert after.status_code == 200


def test_a_form_that_comes_slowly_keeps_no_seller_waiting() -> None:
    """Its body is read before it is the console's turn."""

    async def form(_: Request) -> Response:
        return PlainTextResponse("done")

    [route] = Turns().console([Route("/", form, methods=["POST"])])
    assert route.endpoint is form


def request() -> Request:
    return Request({"type": "http", "method": "GET", "path": "/", "headers": []})
