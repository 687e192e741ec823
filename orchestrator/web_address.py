"""Addresses that secrets and alerts are sent to, checked before anything is."""

from functools import cache
from ipaddress import ip_address
from ssl import SSLContext
from urllib.parse import urlsplit

from orchestrator.errors import SettleError


def checked_url(variable: str, url: str) -> str:
    """The address in `variable`; SettleError where a secret would travel in clear or to nowhere."""
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username
    except ValueError:
        host = user = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or user is not None:
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
