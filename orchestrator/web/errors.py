"""Errors of the pages, as a page or as JSON."""

from ipaddress import IPv6Address, ip_address, ip_network

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from orchestrator.web.render import message_page

TITLES = {404: "Nothing is here", 405: "This cannot be done here", 413: "The request is too large"}


class PageRefusedError(Exception):
    """A refusal: a status, and a title and message for a person."""

    def __init__(self, status: int, title: str, message: str) -> None:
        super().__init__(title)
        self.status, self.title, self.message = status, title, message


def client_of(request: Request) -> str:
    """The client's address, as the connection or a proxy on this machine reports it.

    Of an IPv6 address its /64: one client has all of them.
    """
    host = request.client.host if request.client else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((address, 64), strict=False))
    return host


def refused(request: Request, error: Exception) -> Response:
    """The page, or the JSON where a path ends in .json."""
    match error:
        case PageRefusedError():
            status, title, message = error.status, error.title, error.message
        case HTTPException():
            status, title = error.status_code, TITLES.get(error.status_code, "This did not work")
            message = "Check the address."
        case SettleError():  # its text is for operators
            status, title = 503, "Not now"
            message = "We cannot look it up right now. Try again in a few minutes."
        case _:
            status, title, message = (
                500,
                "This did not work",
                "This is an error of ours. Try again later.",
            )
    headers = dict(getattr(error, "headers", None) or {})  # which methods there are, say
    if request.url.path.endswith(".json"):
        document = {"error": {"status": status, "message": f"{title}. {message}"}}
        return JSONResponse(document, status, headers)
    return message_page(status, title, message, headers)
