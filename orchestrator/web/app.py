"""The application of the pages, which the server mounts beside the webhooks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

from orchestrator.config import Component, Environment, Settings
from orchestrator.database.connection import database_url
from orchestrator.errors import SettleError
from orchestrator.web.desk.auth import NotLoggedInError, ask_to_log_in
from orchestrator.web.desk.routes import DeskPages
from orchestrator.web.errors import PageRefusedError, refused
from orchestrator.web.headers import StrictHeaders
from orchestrator.web.portal.links import link_secrets
from orchestrator.web.portal.queries import SellerData
from orchestrator.web.portal.routes import SellerPages
from orchestrator.web.render import HERE
from orchestrator.web.turns import Turns

MAX_BODY_BYTES = 1_000_000
A_DAY = {"Cache-Control": "public, max-age=86400"}


def create_pages(settings: Settings) -> Starlette:
    """All pages of this installation.

    In production those of sellers are there once SETTLE_LINK_SECRET is set, and with an external
    server once SETTLE_PORTAL_URL is.
    """
    routes: list[BaseRoute] = [Route("/style.css", style)]
    opened: list[SellerData] = []
    turns = Turns()
    has_seller_pages = _has_seller_pages(settings)
    if has_seller_pages:
        opened.append(SellerData(database_url(settings, Component.PORTAL)))
        routes += turns.sellers(SellerPages(opened[0], link_secrets(settings)).routes())

    desk = DeskPages(settings, turns, has_seller_pages=has_seller_pages)
    routes += turns.console(desk.routes())

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        for data in opened:
            data.open()
        try:
            yield
        finally:
            desk.close()
            for data in opened:
                data.close()

    return Starlette(
        routes=routes,
        lifespan=lifespan,
        max_body_size=MAX_BODY_BYTES,
        middleware=[Middleware(StrictHeaders)],
        exception_handlers={
            NotLoggedInError: ask_to_log_in,
            PageRefusedError: refused,
            HTTPException: refused,
            SettleError: refused,
            Exception: refused,
        },
    )


def style(_: Request) -> Response:
    """The one style sheet."""
    return FileResponse(HERE / "static" / "style.css", media_type="text/css", headers=A_DAY)


def _has_seller_pages(settings: Settings) -> bool:
    is_ready = settings.link_secrets or settings.environment is not Environment.PRODUCTION
    return bool(is_ready and (settings.is_embedded or Component.PORTAL in settings.urls))
