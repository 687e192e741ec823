"""The routes under /desk. The database decides what the login of the person who asks may do."""

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.backtest.page import shown
from orchestrator.backtest.report import read_report
from orchestrator.config import Settings
from orchestrator.decisions.decisions import DECISIONS, FIELDS, decide
from orchestrator.errors import SettleError
from orchestrator.formatting.journal import MONTH, Format
from orchestrator.web.desk.auth import Auth
from orchestrator.web.desk.cache import Shared
from orchestrator.web.desk.connections import Readers, Rows
from orchestrator.web.desk.downloads import journal_file, lines_file
from orchestrator.web.desk.queries import (
    APPROVE,
    BACKTEST,
    BOOKS,
    HEAD,
    HELD,
    HOME,
    LISTS,
    MOST_HELD,
    MOST_ROWS,
    RELEASES,
    RISK,
    SELLER,
    SORTS,
    TITLES,
    WINDOW,
)
from orchestrator.web.desk.sessions import Session
from orchestrator.web.errors import PageRefusedError
from orchestrator.web.portal.links import DAY_S, link_secrets, make_token
from orchestrator.web.render import page

RELOADS_AFTER_S, BOOKS_KEPT_S, RELEASES_KEPT_S = 10, 60, 3600
LABEL = re.compile(r"[0-9]{4}-W[0-9]{2}")


class DeskPages:
    """Pages to read and forms to decide; without a session they lead to the login."""

    def __init__(self, settings: Settings, *, has_seller_pages: bool) -> None:
        self._settings, self._has_seller_pages = settings, has_seller_pages
        self._readers = Readers(settings)
        self._books: Shared[dict[str, Rows]] = Shared(BOOKS_KEPT_S)
        self._releases: Shared[dict[str, Rows]] = Shared(RELEASES_KEPT_S)
        self._auth = Auth(settings, self._readers)

    def routes(self) -> list[Route]:
        """The more particular paths first."""
        return [
            *self._auth.routes(),
            Route("/desk/do/{decision}", self.do, methods=["POST"]),
            Route("/desk/windows/{window}/approve", self.approve_form),
            Route("/desk/windows/{window}/held", self.held),
            Route("/desk/windows/{window}/export.csv", self.export),
            Route("/desk/windows/{window}", self.window),
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
        session, form = await self._auth.checked_form(request)
        decision = DECISIONS.get(request.path_params["decision"])
        if decision is None:
            raise PageRefusedError(404, "Nothing is here", "There is no such decision.")
        try:
            values = await run_in_threadpool(
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
        return self._page(request, "desk/home.html", HOME)

    def window(self, request: Request) -> Response:
        """One window: what blocks its payout, its figures, and its outcomes."""
        context = self._window(request, WINDOW)
        # The reserve changes with a build only.
        session = self._auth.session(request)
        context |= self._releases.get(
            lambda: self._read(session, RELEASES), version=context["head"]["build"]
        )
        # Without scripts: a header reloads the page while outcomes come in, unless ?still=1.
        reloads = context["head"]["is_under_way"] and "still" not in request.query_params
        answer = self._render(request, "desk/window.html", context | {"reloads": reloads})
        if reloads:
            answer.headers["Refresh"] = str(RELOADS_AFTER_S)
        return answer

    def held(self, request: Request) -> Response:
        """Who is held in a window, to compare, choose, and release or hold with one note."""
        asked = request.query_params
        reason = asked.get("reason", "releasable")
        shown = {
            "reason": reason if re.fullmatch("[a-z_]{1,40}", reason) else "releasable",
            "sort": asked["sort"] if asked.get("sort") in SORTS else "net",
        }
        context = self._window(request, HELD, **shown, limit=MOST_HELD)
        context |= shown | {
            "is_chosen": asked.get("choose") == "all",
            "sorts": SORTS,
            "most_held": MOST_HELD,
            "back": f"{quote(request.url.path)}?{urlencode(shown)}",
        }
        return self._render(request, "desk/held.html", context)

    def approve_form(self, request: Request) -> Response:
        """Names the amount and the count, and asks once."""
        return self._render(request, "desk/approve.html", self._window(request, APPROVE))

    def export(self, request: Request) -> Response:
        """The payable or frozen lines, as `settle export` writes them."""
        asked = request.query_params.get("run", "")
        run = int(asked) if re.fullmatch("[1-9][0-9]{0,3}", asked) else None
        context = self._window(request, HEAD | {"lines": "window/export"}, run=run)
        return lines_file(context["window"], context["lines"])

    def sellers(self, request: Request) -> Response:
        """Find a seller."""
        text = request.query_params.get("q", "").strip().replace("\0", "")
        queries = {"rows": "seller/search"} if text else {}
        return self._page(request, "desk/sellers.html", queries, text=text)

    def seller(self, request: Request) -> Response:
        """A seller's balances, holds and payouts, with the decisions about them."""
        seller = request.path_params["seller"].replace("\0", "")
        found = self._read(self._auth.session(request), SELLER, seller=seller)
        if not found["statement"]:
            raise PageRefusedError(404, "No such seller", "No account and no entry has that id.")
        shown = None
        if self._has_seller_pages:
            expires = int(time.time()) + DAY_S
            shown = f"/s/{make_token(seller, expires, link_secrets(self._settings)[0])}"
        context = {"seller": seller, "s": found["statement"][0]["statement"], "shown": shown}
        return self._render(request, "desk/seller.html", found | context)

    def books(self, request: Request) -> Response:
        """The liability to sellers: years of it, so sessions share one result for a minute."""
        session = self._reader_of_books(request)
        found = self._books.get(lambda: self._read(session, BOOKS))
        return self._render(request, "desk/books.html", {**found, "kept_s": BOOKS_KEPT_S})

    def journal(self, request: Request) -> Response:
        """A month of double entries, as `settle journal` writes it."""
        asked = request.path_params
        session = self._reader_of_books(request)
        if not MONTH.fullmatch(asked["month"]) or asked["format"] not in [*Format]:
            raise PageRefusedError(404, "No such month", "Choose one on the page Books.")
        queries = {"rows": "books/journal"}
        found = self._read(session, queries, month=asked["month"])["rows"]
        return journal_file(asked["month"], Format(asked["format"]), found)

    def risk(self, request: Request) -> Response:
        """Policies tried on history."""
        return self._page(request, "desk/risk.html", RISK)

    def backtest(self, request: Request) -> Response:
        """One backtest: what its policies would have done, and what no history tells."""
        number = request.path_params["backtest"]
        found = self._read(self._auth.session(request), BACKTEST, backtest=number)["backtest"]
        if not found:
            raise PageRefusedError(404, "No such backtest", "None was finished under that number.")
        report = read_report(found[0]["document"])
        context = {**shown(report), "finished_at": found[0]["finished_at"]}
        return self._render(request, "desk/backtest.html", context)

    def list(self, request: Request) -> Response:
        """Adjustments, limits, blocks, breaks, alerts."""
        name = request.path_params["name"]
        if name not in LISTS:
            raise PageRefusedError(404, "Nothing is here", "Check the address.")
        return self._page(request, f"desk/{name}.html", LISTS[name], title=TITLES[name])

    def close(self) -> None:
        """Close the connections that are kept."""
        self._readers.close()

    def _reader_of_books(self, request: Request) -> Session:
        session = self._auth.session(request)
        [asked] = self._read(session, {"asked": "books/may_read"})["asked"]
        if not asked["may_read"]:
            raise PageRefusedError(403, "Not for you", "Your login may not read the books.")
        return session

    def _window(
        self, request: Request, queries: Mapping[str, str], **parameters: Any
    ) -> dict[str, Any]:
        """What the queries, one of which is HEAD, say about the window of the path."""
        label = request.path_params["window"]
        found: dict[str, Rows] = {}
        if LABEL.fullmatch(label):
            found = self._read(self._auth.session(request), queries, window=label, **parameters)
        if not found.get("head"):
            raise PageRefusedError(404, "No such window", "There is no window of that name.")
        return {**found, "window": label, "head": found["head"][0]}

    def _page(
        self, request: Request, template: str, queries: Mapping[str, str], **context: Any
    ) -> Response:
        parameters = {k: v for k, v in context.items() if k == "text"}
        found = self._read(self._auth.session(request), queries, **parameters)
        return self._render(request, template, found | context)

    def _render(self, request: Request, template: str, context: dict[str, Any]) -> Response:
        session = self._auth.session(request)
        message, is_refusal = session.take_message()
        shared = {
            "person": session.name,
            "may_decide": session.may_decide,
            "csrf": session.csrf,
            "message": message,
            "limits": FIELDS["limit"].choices,
            "adjustment_types": FIELDS["adjustment-type"].choices,
            "is_refusal": is_refusal,
            "here": quote(request.url.path),
            "most_rows": MOST_ROWS,
        }
        return page(template, shared | context)

    def _read(self, session: Session, queries: Mapping[str, str], **parameters: Any) -> Any:
        known = {"window": None, "all": False, "limit": MOST_ROWS, "reason": None} | parameters
        return self._readers.read(session, queries, **known)


def _back(path: str) -> str:
    """The page the form was on; never another site."""
    return path if re.fullmatch(r"/desk(/[^\\\r\n]*)?", path) else "/desk"
