"""Addresses: those that secrets and alerts are sent to, and the ports we listen on."""

import re
import socket
from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from urllib.parse import urlsplit

from orchestrator.errors import SettleError

# Of [::1].example urlsplit says that it is ::1.
BRACKETED = re.compile(r"\[[^\[\]]+\](:[0-9]+)?")


def checked_url(variable: str, url: str) -> str:
    """The address in `variable`; SettleError where a secret would travel in clear or to nowhere."""
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError:
        host = user = None
        parts = urlsplit("")
    is_odd = parts.netloc.startswith("[") and not BRACKETED.fullmatch(parts.netloc)
    if parts.scheme not in ("http", "https") or not host or user is not None or is_odd:
        raise SettleError(f"{variable} must be an http(s) URL without user and password")
    if parts.scheme == "http" and not is_loopback(host):
        raise SettleError(f"{variable} would send to {host} in clear: use https")
    return url


@cache
def authorities() -> SSLContext:
    """Who vouches for an https address; read once, as that takes longer than many a call."""
    import httpx  # a tenth of a second to import, and most verbs call nobody

    return httpx.create_ssl_context()


def is_local(url: str) -> bool:
    """Whether an address is this machine, so that no proxy stands between."""
    return is_loopback(urlsplit(url).hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listening_socket(host: str, port: int) -> socket.socket:
    """Bind before anything else starts: a port in use is said at once. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(1024)
    except OSError as error:
        listener.close()
        raise SettleError(
            f"cannot listen on {host}:{port} ({error.strerror}):"
            " stop what runs there, or choose another port with --port"
        ) from None
    return listener
