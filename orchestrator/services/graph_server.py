"""Dagster's webserver behind a guard, as a module that takes the options of the original.

Dagster answers any page in an operator's browser, mutations by GET too. What comes from another
site, under a name that is not ours, or as a query in an address is refused here.
"""

import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import dagster_webserver.cli
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

HOSTS_VARIABLE = "SETTLE_GRAPH_HOSTS"
LOCAL = ("127.0.0.1", "localhost", "[::1]")
SAFE = ("GET", "HEAD", "OPTIONS")
NO_FRAMES = "frame-ancestors 'none'"


class SameOriginOnly:
    """An ASGI application that is reached from its own pages, under the names in `hosts` alone."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] = ()) -> None:
        self._app, self._hosts = app, {*LOCAL, *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        reason = self._reason(scope)
        if reason is None:
            await self._app(scope, receive, _without_frames(send))
        elif scope["type"] == "websocket":
            await WebSocketClose(1008, reason)(scope, receive, send)
        else:
            await PlainTextResponse(f"{reason}\n", 403)(scope, receive, send)

    def _reason(self, scope: Scope) -> str | None:
        """Why this is refused, or none."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name(host) not in self._hosts:
            return f"this host name is not ours: name it in {HOSTS_VARIABLE}"
        is_read = scope["type"] == "http" and scope["method"] in SAFE
        if is_read and scope["path"].rstrip("/").endswith("/graphql"):
            fields = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            if any(name in ("query", "mutation", "operationName") for name, _ in fields):
                return "a query is sent by POST"
        if is_read:
            return None
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "this came from another site"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "this came from another site"
        return None


def _name(host: str) -> str:
    """Without the port; an IPv6 address keeps its brackets."""
    head, _, tail = host.lower().rpartition(":")
    return head if head and tail.isdigit() else host.lower()


def _without_frames(send: Send) -> Send:
    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            policy = headers.get("content-security-policy")
            headers["content-security-policy"] = f"{policy}; {NO_FRAMES}" if policy else NO_FRAMES
            headers["x-frame-options"] = "DENY"
        await send(message)

    return send_guarded


def main() -> None:
    """`dagster-webserver`, with its own options, behind the guard."""
    command: Any = dagster_webserver.cli
    make = command.create_app_from_workspace_process_context
    hosts = [h.strip() for h in os.environ.get(HOSTS_VARIABLE, "").split(",") if h.strip()]

    def guarded(*arguments: object, **options: object) -> ASGIApp:
        return SameOriginOnly(make(*arguments, **options), hosts)

    # The one place in which its command makes the application; it has no option for middleware.
    command.create_app_from_workspace_process_context = guarded
    command.cli(auto_envvar_prefix="DAGSTER_WEBSERVER")


if __name__ == "__main__":
    main()
