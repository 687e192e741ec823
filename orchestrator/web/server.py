"""The web server: webhooks, a health check, and the pages beside them.

The webhooks come first. The pages are made and opened in the background; where they are slow to
start they are waited for, where they cannot start they answer 503, and webhooks are stored all the
same.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import visible
from orchestrator.halfin.factory import webhook_secrets
from orchestrator.network.addresses import listening_socket
from orchestrator.web.webhooks import Webhooks

EVENTS = "/webhooks/halfin"
logger = logging.getLogger(__name__)
UNAVAILABLE = Response("The pages are not available.\n", status_code=503, media_type="text/plain")


def create_server(webhooks: Webhooks, make_pages: Callable[[], Starlette]) -> ASGIApp:
    """Events at EVENTS; every path but /webhooks and /healthz belongs to the pages."""
    pages = _Pages(make_pages)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with webhooks.opened(), pages.open():
            yield

    folder, _, name = EVENTS.rpartition("/")
    routed = Starlette(
        routes=[
            Mount(folder, routes=[Route(f"/{name}", webhooks, methods=["POST"])]),
            Route("/healthz", health),
        ],
        lifespan=lifespan,
    )
    # Not a mount: a path with a line break in it matches none.
    routed.router.default = pages

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        """An event goes past the routes, whose layers take a fourth of what it costs."""
        is_event = scope["type"] == "http" and scope["method"] == "POST" and scope["path"] == EVENTS
        await (webhooks if is_event else routed)(scope, receive, send)

    return server


class _Pages:
    """The pages as an application that may fail to start."""

    def __init__(self, make: Callable[[], Starlette]) -> None:
        self._make = make
        self._app: ASGIApp = UNAVAILABLE
        self._started, self._stopping = asyncio.Event(), asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._started.wait()
        await self._app(scope, receive, send)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Start the pages in the background; stop them at the end."""
        running = asyncio.create_task(self._run())
        try:
            yield
        finally:
            self._stopping.set()
            await running

    async def _run(self) -> None:
        try:
            pages = await run_in_threadpool(self._make)
            async with pages.router.lifespan_context(pages):
                self._app = pages
                self._started.set()
                await self._stopping.wait()
        except SettleError as error:
            logger.error("no pages are shown (%s); webhooks are received", visible(str(error)))
        except Exception:
            logger.exception("no pages are shown; webhooks are received")
        finally:
            self._app = UNAVAILABLE
            self._started.set()


async def health(_: Request) -> Response:
    """Whether this process receives webhooks."""
    return Response("ok\n", media_type="text/plain")


def serve(settings: Settings, port: int, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve on loopback until interrupted; a reverse proxy with TLS stands in front of it."""

    def make_pages() -> Starlette:
        from orchestrator.web.app import (
            create_pages,
        )  # a page that fails to import stops no webhook

        return create_pages(settings)

    webhooks = Webhooks(database_url(settings, Component.WEBHOOK), webhook_secrets(settings))
    app = create_server(webhooks, make_pages)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    with listening_socket("127.0.0.1", port) as listener:
        if on_ready:
            on_ready(f"http://127.0.0.1:{listener.getsockname()[1]}")
        server.run(sockets=[listener])
