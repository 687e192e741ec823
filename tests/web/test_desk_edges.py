"""What the console makes of a request that came through a proxy, or did not."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.requests import Request

from orchestrator.config import Settings
from orchestrator.web.desk import auth
from orchestrator.web.desk.auth import Auth
from orchestrator.web.desk.connections import Readers
from orchestrator.web.errors import PageRefusedError, client_of
from tests.support.settings import make_settings

PAGES = "https://pay.example"


def request(
    *, origin: str = PAGES, host: str = "receiver:8378", client: str = "10.0.0.1"
) -> Request:
    """A form, as a proxy passes it on: by http, and with the name that it knows us by."""
    headers = [(b"host", host.encode()), (b"origin", origin.encode())]

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"name=ana&password=p", "more_body": False}

    scope = {"type": "http", "method": "POST", "scheme": "http", "path": "/desk/login"}
    more = {"headers": headers, "query_string": b"", "client": (client, 1), "server": ("x", 80)}
    return Request(scope | more, receive)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path, SETTLE_PAGES_URL=PAGES)


def test_a_form_of_our_pages_is_ours_whatever_host_a_proxy_passes(settings: Settings) -> None:
    """Behind a proxy that passes another Host, every login came from another site."""
    form = asyncio.run(auth._form(request(), settings))
    assert form == {"name": "ana", "password": "p"}
    with pytest.raises(PageRefusedError):
        asyncio.run(auth._form(request(origin="https://evil.example"), settings))


def test_a_client_has_all_addresses_of_its_network() -> None:
    """Per address, a client with an IPv6 network could guess passwords without end."""
    ours, same, other = "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"
    assert client_of(request(client=ours)) == client_of(request(client=same))
    assert client_of(request(client=ours)) != client_of(request(client=other))
    assert client_of(request(client="10.0.0.1")) != client_of(request(client="10.0.0.2"))


@pytest.mark.parametrize(
    ("environment", "is_secure"), [("production", True), ("development", False)]
)
def test_a_production_cookie_is_secure_whatever_a_proxy_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str, is_secure: bool
) -> None:
    @contextmanager
    def database(*_: object) -> Iterator[None]:
        yield None

    monkeypatch.setattr(auth, "connect_as", database)
    monkeypatch.setattr(auth, "groups_of", lambda _: (True, True))
    settings = make_settings(tmp_path, SETTLE_ENV=environment)
    answer = Auth(settings, Readers(settings))._log_in(request(), {"name": "ana", "password": "p"})
    assert answer.status_code == 303
    assert ("secure" in answer.headers["Set-Cookie"].lower()) is is_secure
