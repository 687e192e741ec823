"""Which addresses are this machine: a secret travels in clear to no other one."""

import socket
import threading

import pytest

from orchestrator.errors import SettleError
from orchestrator.halfin import HalfinClient
from orchestrator.network.addresses import checked_url, is_local, listening_socket
from tests.halfin.sandbox import FAST, KEY


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost", "[::1]"])
def test_this_machine_may_be_asked_in_clear(host: str) -> None:
    url = f"http://{host}:8377/api"
    assert checked_url("HALFIN_BASE_URL", url) == url
    assert is_local(url)


@pytest.mark.parametrize(
    "host",
    [
        *("[::]", "10.0.0.1", "[::ffff:10.0.0.1]", "[fe80::1]", "[::2]", "localhost.example"),
        *("127.0.0.1.example", "2130706433", "0x7f000001", "127.1", "[::1].example"),
    ],
)
def test_what_only_looks_like_it_is_not_asked_in_clear(host: str) -> None:
    """Some resolvers take a number for an address: ours is not asked what it would take it for."""
    with pytest.raises(SettleError, match="HALFIN_BASE_URL"):
        checked_url("HALFIN_BASE_URL", f"http://{host}/api")


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_a_rail_on_the_loopback_of_ipv6_is_asked_past_any_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # where nobody listens
    with listening_socket("::1", 0) as listener:

        def answer() -> None:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://[::1]:{listener.getsockname()[1]}/api"
        with HalfinClient(url, KEY, attempts=1, **FAST) as client:
            assert client.currencies().http_status == 200
