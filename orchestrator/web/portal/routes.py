"""A seller's own pages, and the same as JSON and CSV: whoever has a signed link sees one seller."""

import csv
import io
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from orchestrator.formatting.csv_export import safe_cell
from orchestrator.network.moving_window import MovingWindow
from orchestrator.web.errors import PageRefusedError, client_of
from orchestrator.web.portal.links import BadLinkError, ExpiredLinkError, Link, read_token
from orchestrator.web.portal.queries import Document, SellerData
from orchestrator.web.render import page

FIRST_ORDERS, PAGE_ORDERS, MOST_ORDERS = 10, 100, 1000
BAD_LINKS_A_MINUTE = 20
OPENAPI = Path(__file__).parent / "openapi.json"
WINDOW = re.compile(r"[0-9]{4}-W[0-9]{2}")
YEAR = re.compile(r"[12][0-9]{3}")
RECEIPT_COLUMNS = ("entry_type", "source_id", "order_id", "amount", "occurred_at", "known_at")


class SellerPages:
    """The routes under /s/. Handlers are plain functions: each runs in a thread of its own."""

    def __init__(self, data: SellerData, secrets: Sequence[str]) -> None:
        self._data, self._secrets = data, secrets
        self._bad_links = MovingWindow(BAD_LINKS_A_MINUTE, 60)

    def routes(self) -> list[Route]:
        """The more particular paths first."""
        return [
            Route("/s/openapi.json", self.openapi),
            Route("/s/{token}/statement.json", self.statement_json),
            Route("/s/{token}/orders.json", self.orders_json),
            Route("/s/{token}/receipts/{window}.json", self.receipt_json),
            Route("/s/{token}/receipts/{window}.csv", self.receipt_csv),
            Route("/s/{token}/receipts/{window}", self.receipt),
            Route("/s/{token}/years/{year}.json", self.year_json),
            Route("/s/{token}/years/{year}", self.year),
            Route("/s/{token}/orders", self.orders),
            Route("/s/{token}", self.statement),
        ]

    def statement(self, request: Request) -> Response:
        """Both balances and why they differ, what comes when, disputes, payouts."""
        link = self._link(request)
        asked = self._data.statement_and_orders(link, _zone(request), 0, FIRST_ORDERS)
        found, orders = _known(asked[0]), asked[1]
        context = self._context(request, found["zone"]) | {"s": found, "orders": orders}
        return page("seller/statement.html", context)

    def orders(self, request: Request) -> Response:
        """All orders in reserve, page by page."""
        link = self._link(request)
        offset = _number(request, "offset", 0, 10**9)
        asked = self._data.statement_and_orders(link, _zone(request), offset, PAGE_ORDERS)
        found, orders = _known(asked[0]), asked[1]
        more = {"s": found, "orders": orders, "offset": offset, "size": PAGE_ORDERS}
        return page("seller/orders.html", self._context(request, found["zone"]) | more)

    def year(self, request: Request) -> Response:
        """A calendar year for the tax return, to be printed."""
        found = _known(self._data.year(self._link(request), _year(request)))
        context = self._context(request, _zone(request) or found["zone"])
        return page("seller/year.html", context | {"zone": found["zone"], "y": found})

    def receipt(self, request: Request) -> Response:
        """What one payout pays, line by line."""
        link = self._link(request)
        window = _window(request)
        found, zone = self._data.receipt_and_zone(link, window, _zone(request))
        context = self._context(request, zone) | {"r": _paid(found)}
        return page("seller/receipt.html", context)

    def receipt_csv(self, request: Request) -> Response:
        """The same as a file for a spreadsheet."""
        found = _paid(self._data.receipt(self._link(request), _window(request)))
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(["entry_window", *RECEIPT_COLUMNS])
        for part in found["windows"]:
            for item in part["items"]:
                cells = [part["entry_window"], *(item[name] for name in RECEIPT_COLUMNS)]
                writer.writerow(map(safe_cell, cells))
        name = f"receipt-{found['payout_window']}.csv"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text.getvalue(), media_type="text/csv", headers=disposition)

    def statement_json(self, request: Request) -> Response:
        """The statement for the marketplace's own dashboard."""
        found = self._data.statement(self._link(request), _zone(request))
        return JSONResponse(_known(found))

    def orders_json(self, request: Request) -> Response:
        """Orders in reserve, `limit` of them from `offset` on."""
        link = self._link(request)
        offset = _number(request, "offset", 0, 10**9)
        limit = _number(request, "limit", PAGE_ORDERS, MOST_ORDERS, least=1)
        found = self._data.reserve_orders(link, offset, limit)
        return JSONResponse({"offset": offset, "limit": limit, "orders": found})

    def year_json(self, request: Request) -> Response:
        """The same, as a document."""
        return JSONResponse(_known(self._data.year(self._link(request), _year(request))))

    def receipt_json(self, request: Request) -> Response:
        """A receipt, as `settle receipt --json` has it."""
        found = self._data.receipt(self._link(request), _window(request))
        return JSONResponse(_paid(found))

    def openapi(self, _: Request) -> Response:
        """The description of the JSON above."""
        return FileResponse(OPENAPI, media_type="application/json")

    def _link(self, request: Request) -> Link:
        """Whose link this is; raises PageRefusedError, the same for all that are not ours."""
        try:
            return read_token(request.path_params["token"], self._secrets, int(time.time()))
        except ExpiredLinkError:
            raise PageRefusedError(
                403, "This link has expired", "Open your payouts from your dashboard again."
            ) from None
        except BadLinkError:
            if self._bad_links.count(client_of(request)):
                raise PageRefusedError(
                    429, "Too many attempts", "Wait a minute, then try again."
                ) from None
            raise PageRefusedError(404, "Nothing is here", "Check the link you followed.") from None

    def _context(self, request: Request, zone: str) -> dict[str, Any]:
        """Where the links of a page lead; a zone that was asked for goes with them."""
        is_asked = "zone" in request.query_params
        asked = urlencode({"zone": zone}) if is_asked else ""
        return {
            "base": f"/s/{request.path_params['token']}",
            "zone": zone,
            "zone_query": f"?{asked}" if asked else "",
            "zone_more": f"&{asked}" if asked else "",
        }


def _zone(request: Request) -> str | None:
    zone = request.query_params.get("zone", "")
    return zone if zone.isprintable() else None


def _window(request: Request) -> str:
    window: str = request.path_params["window"]
    return window if WINDOW.fullmatch(window) else ""


def _year(request: Request) -> int:
    text: str = request.path_params["year"]
    if not YEAR.fullmatch(text):
        raise PageRefusedError(400, "No such page", "A year is written like 2026.")
    return int(text)


def _known(statement: Document | None) -> Document:
    if statement is None:
        raise PageRefusedError(
            404, "No payouts yet", "There is no account for this shop yet; look again tomorrow."
        )
    return statement


def _paid(receipt: Document | None) -> Document:
    if receipt is None:
        raise PageRefusedError(
            404, "No receipt", "There was no payout in this week; see your statement."
        )
    return receipt


def _number(request: Request, name: str, default: int, most: int, *, least: int = 0) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise PageRefusedError(400, "No such page", f"{name} is a number from {least} to {most}.")
    return int(text)
