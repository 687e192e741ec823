"""The routes under /desk. The database decides what the login of the person who asks may do."""

import re
import time

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.backtest.page import shown
from orchestrator.backtest.report import read_report
from orchestrator.config import Settings
from orchestrator.decisions.decisions import DECISIONS, decide
from orchestrator.errors import SettleError
from orchestrator.formatting.journal import MONTH, Format
from orchestrator.web.desk.cache import Shared
from orchestrator.web.desk.connections import Rows
from orchestrator.web.desk.downloads import journal_file
from orchestrator.web.desk.queries import BACKTEST, BOOKS, HOME, LISTS, RISK, SELLER, TITLES
from orchestrator.web.desk.screen import Screen
from orchestrator.web.desk.windows import WindowPages
from orchestrator.web.errors import PageRefusedError
from orchestrator.web.portal.links import DAY_S, link_secrets, make_token
from orchestrator.web.turns import Turns

BOOKS_KEPT_S = 60


class DeskPages:
    """Pages to read and forms to decide; without a session they lead to the login."""

    def __init__(self, settings: Settings, turns: Turns, *, has_seller_pages: bool) -> None:
        self._settings, self._has_seller_pages = settings, has_seller_pages
        self._turns = turns
        self._screen = Screen(settings)
        self._windows = WindowPages(self._screen)
        self._books: Shared[dict[str, Rows]] = Shared(BOOKS_KEPT_S)

    def routes(self) -> list[Route]:
        """The more particular paths first."""
        return [
            *self._screen.auth.routes(),
            Route("/desk/do/{decision}", self.do, methods=["POST"]),
            *self._windows.routes(),
            Route("/desk/sellers", self.sellers),
            Route("/desk/sellers/{seller:path}", self.seller),
            Route("/desk/books/journal-{month}.{format}", self.journal),
            Route("/desk/books", self.books),
            Route("/desk/risk", self.risk),
            Route("/desk/risk/{backtest:int}", self.backtest),
            Route("/desk/{name}", self.list),
            Route("/desk", self.home),
        ]

    async def do(self, request: Request) -> Response:
        """One decision; what came of it is shown on the page that the form was on."""
        session, form = await self._screen.auth.checked_form(request)
        decision = DECISIONS.get(request.path_params["decision"])
        if decision is None:
            raise PageRefusedError(404, "Nothing is here", "There is no such decision.")
        try:
            values = await self._turns.first(
                decide, self._settings, session.name, session.password, decision, form
            )
        except SettleError as error:
            said = "\n".join(filter(None, (str(error), error.detail)))
            session.show_next(said, is_refusal=True)
        else:
            session.show_next(decision.message(values))
        return RedirectResponse(_back(form.get("back", "")), 303)

    def home(self, request: Request) -> Response:
        """The latest windows, open breaks and alerts."""
        return self._screen.page(request, "desk/home.html", HOME)

    def sellers(self, request: Request) -> Response:
        """Find a seller."""
        text = request.query_params.get("q", "").strip().replace("\0", "")
        queries = {"rows": "seller/search"} if text else {}
        return self._screen.page(request, "desk/sellers.html", queries, text=text)

    def seller(self, request: Request) -> Response:
        """A seller's balances, holds and payouts, with the decisions about them."""
        seller = request.path_params["seller"].replace("\0", "")
        found = self._screen.read(request, SELLER, seller=seller)
        if not found["statement"]:
            raise PageRefusedError(404, "No such seller", "No account and no entry has that id.")
        shown = None
        if self._has_seller_pages:
            expires = int(time.time()) + DAY_S
            shown = f"/s/{make_token(seller, expires, link_secrets(self._settings)[0])}"
        context = {"seller": seller, "s": found["statement"][0]["statement"], "shown": shown}
        return self._screen.render(request, "desk/seller.html", found | context)

    def books(self, request: Request) -> Response:
        """The liability to sellers: years of it, so sessions share one result for a minute."""
        self._check_reader_of_books(request)
        found = self._books.get(lambda: self._screen.read(request, BOOKS))
        return self._screen.render(request, "desk/books.html", {**found, "kept_s": BOOKS_KEPT_S})

    def journal(self, request: Request) -> Response:
        """A month of double entries, as `settle export journal` writes it."""
        asked = request.path_params
        self._check_reader_of_books(request)
        if not MONTH.fullmatch(asked["month"]) or asked["format"] not in [*Format]:
            raise PageRefusedError(404, "No such month", "Choose one on the page Books.")
        queries = {"rows": "books/journal"}
        found = self._screen.read(request, queries, month=asked["month"])["rows"]
        return journal_file(asked["month"], Format(asked["format"]), found)

    def risk(self, request: Request) -> Response:
        """Policies tried on history."""
        return self._screen.page(request, "desk/risk.html", RISK)

    def backtest(self, request: Request) -> Response:
        """One backtest: what its policies would have done, and what no history tells."""
        number = request.path_params["backtest"]
        found = self._screen.read(request, BACKTEST, backtest=number)["backtest"]
        if not found:
            raise PageRefusedError(404, "No such backtest", "None was finished under that number.")
        report = read_report(found[0]["document"])
        context = {**shown(report), "finished_at": found[0]["finished_at"]}
        return self._screen.render(request, "desk/backtest.html", context)

    def list(self, request: Request) -> Response:
        """Adjustments, limits, blocks, breaks, alerts."""
        name = request.path_params["name"]
        if name not in LISTS:
            raise PageRefusedError(404, "Nothing is here", "Check the address.")
        return self._screen.page(request, f"desk/{name}.html", LISTS[name], title=TITLES[name])

    def close(self) -> None:
        """Close the connections that are kept."""
        self._screen.close()

    def _check_reader_of_books(self, request: Request) -> None:
        [asked] = self._screen.read(request, {"asked": "books/may_read"})["asked"]
        if not asked["may_read"]:
            raise PageRefusedError(403, "Not for you", "Your login may not read the books.")


def _back(path: str) -> str:
    """The page the form was on; never another site."""
    return path if re.fullmatch(r"/desk(/[^\\\r\n]*)?", path) else "/desk"
