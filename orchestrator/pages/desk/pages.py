"""The routes under /desk. Each request connects to the database as the person who asks."""

import csv
import hmac
import io
import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.config import Settings
from orchestrator.csv_cells import safe_cell
from orchestrator.database import connect_as
from orchestrator.errors import SettleError
from orchestrator.pages.desk.actions import ACTIONS, act
from orchestrator.pages.desk.sessions import COOKIE, LONGEST_S, Session, Sessions
from orchestrator.pages.desk.views import HOME, WINDOW, Rows, groups_of, read
from orchestrator.pages.limits import FailureLimit
from orchestrator.pages.links import DAY_S, link_secrets, make_token
from orchestrator.pages.refusals import PageRefusedError, client_of
from orchestrator.pages.render import page

WRONG_LOGINS_A_MINUTE = 5
LOOKS_AGAIN_S = 10
LABEL = re.compile(r"[0-9]{4}-W[0-9]{2}")
TITLES = {
    "adjustments": "Adjustments",
    "limits": "Limits",
    "breaks": "Breaks",
    "alerts": "Alerts",
    "books": "Books",
}
LISTS: dict[str, dict[str, str]] = {
    "adjustments": {"rows": "adjustments"},
    "limits": {"rows": "policies"},
    "breaks": {"rows": "breaks"},
    "alerts": {"rows": "alerts"},
    "books": {"rows": "desk_books", "ageing": "desk_ageing"},
}
Form = dict[str, str]


class DeskPages:
    """Log in, read, decide."""

    def __init__(self, settings: Settings, *, has_seller_pages: bool) -> None:
        self._settings, self._has_seller_pages = settings, has_seller_pages
        self._sessions = Sessions()
        self._wrong = FailureLimit(WRONG_LOGINS_A_MINUTE, 60)

    def routes(self) -> list[Route]:
        """The more particular paths first."""
        return [
            Route("/desk/login", self.login_form),
            Route("/desk/login", self.login, methods=["POST"]),
            Route("/desk/logout", self.logout, methods=["POST"]),
            Route("/desk/do/{action}", self.do, methods=["POST"]),
            Route("/desk/windows/{window}/approve", self.approve_form),
            Route("/desk/windows/{window}/export.csv", self.export),
            Route("/desk/windows/{window}", self.window),
            Route("/desk/sellers", self.sellers),
            Route("/desk/sellers/{seller:path}", self.seller),
            Route("/desk/{name}", self.list),
            Route("/desk", self.home),
        ]

    def login_form(self, request: Request) -> Response:
        """Name and password of a personal database login."""
        return page("desk/login.html", {"problem": None, "name": ""})

    async def login(self, request: Request) -> Response:
        """The database checks the password; a person of no group of ours stays out."""
        form = await _form(request)
        return await run_in_threadpool(self._log_in, request, form)

    def _log_in(self, request: Request, form: Form) -> Response:
        name, password = form.get("name", "").strip(), form.get("password", "")
        keys = (f"client {client_of(request)}", f"name {name}")
        if any(map(self._wrong.is_reached, keys)):
            return _login_again(name, "Too many tries: wait a minute, then try again.", 429)
        try:
            if not name or "\0" in name + password:
                raise SettleError("no name")
            with connect_as(self._settings, name, password) as database:
                may_enter, may_decide = groups_of(database)
        except SettleError as error:
            if "does not answer" in str(error):
                raise
            may_enter, may_decide = False, False
        if not may_enter:
            for key in keys:
                self._wrong.note(key)
            return _login_again(name, "This name and password do not open the desk.", 401)
        cookie = self._sessions.begin(name, password, may_decide=may_decide)
        answer = RedirectResponse("/desk", 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=LONGEST_S,
            path="/desk",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    async def logout(self, request: Request) -> Response:
        """The session is gone, here and in the browser."""
        await self._checked_form(request)
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/desk/login", 303)
        answer.delete_cookie(COOKIE, path="/desk", httponly=True, samesite="strict")
        return answer

    async def do(self, request: Request) -> Response:
        """One decision; what came of it stands on the page that the form was on."""
        session, form = await self._checked_form(request)
        name = request.path_params["action"]
        if name not in ACTIONS:
            raise PageRefusedError(404, "Nothing is here", "There is no such action.")
        try:
            said = await run_in_threadpool(
                act, self._settings, session.name, session.password, name, form
            )
        except SettleError as error:
            session.tell(str(error), is_refusal=True)
        else:
            session.tell(said)
        return RedirectResponse(_back(form.get("back", "")), 303)

    def home(self, request: Request) -> Response:
        """The windows and what is open."""
        return self._page(request, "desk/home.html", HOME)

    def window(self, request: Request) -> Response:
        """All of one window: what stands in its way, its figures, what came of it."""
        context = self._window(request)
        # No scripts here: the browser loads the page again while outcomes come in, or is told not
        # to, by who wants to read in peace.
        looks_again = context["head"]["is_under_way"] and "still" not in request.query_params
        answer = self._page(request, "desk/window.html", WINDOW, **context, looks_again=looks_again)
        if looks_again:
            answer.headers["Refresh"] = str(LOOKS_AGAIN_S)
        return answer

    def approve_form(self, request: Request) -> Response:
        """Names the amount and the count, and asks once."""
        queries = {name: WINDOW[name] for name in ("totals", "rails", "approvals")}
        return self._page(request, "desk/approve.html", queries, **self._window(request))

    def export(self, request: Request) -> Response:
        """The lines that would be paid, or were frozen, as `settle export` writes them."""
        window = self._window(request)["head"]["payout_window"]
        found = self._read(self._session(request), {"lines": "export"}, window=window)["lines"]
        if not found:
            raise PageRefusedError(404, "No lines", "The window has no digest: see its page.")
        columns = [name for name in found[0] if name != "digest"]
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(columns)
        for row in found:
            if row["seller_id"] is not None:
                writer.writerow(safe_cell(row[name]) for name in columns)
        name = f"settlement-{window}-{found[0]['digest'][:12]}.csv"
        disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(text.getvalue(), media_type="text/csv", headers=disposition)

    def sellers(self, request: Request) -> Response:
        """Find a seller."""
        text = request.query_params.get("q", "").strip().replace("\0", "")
        queries = {"rows": "desk_sellers"} if text else {}
        return self._page(request, "desk/sellers.html", queries, text=text)

    def seller(self, request: Request) -> Response:
        """What a seller has, why, and what a person may do about it."""
        seller = request.path_params["seller"].replace("\0", "")
        queries = {"statement": "statement", "health": "desk_health"}
        found = self._read(self._session(request), queries, seller=seller)
        if not found["statement"]:
            raise PageRefusedError(404, "No such seller", "No account and no entry has that id.")
        shown = None
        if self._has_seller_pages:
            expires = int(time.time()) + DAY_S
            shown = f"/s/{make_token(seller, expires, link_secrets(self._settings)[0])}"
        context = {"seller": seller, "s": found["statement"][0]["statement"], "shown": shown}
        return self._render(request, "desk/seller.html", context | {"health": found["health"]})

    def list(self, request: Request) -> Response:
        """Adjustments, limits, breaks, alerts, books."""
        name = request.path_params["name"]
        if name not in LISTS:
            raise PageRefusedError(404, "Nothing is here", "Check the address.")
        return self._page(request, f"desk/{name}.html", LISTS[name], title=TITLES[name])

    def _window(self, request: Request) -> dict[str, Any]:
        label = request.path_params["window"]
        found: Rows = []
        if LABEL.fullmatch(label):
            session = self._session(request)
            found = self._read(session, {"head": "desk_window"}, window=label)["head"]
        if not found:
            raise PageRefusedError(404, "No such window", "There is none of that name.")
        return {"window": label, "head": found[0]}

    def _page(
        self, request: Request, template: str, queries: Mapping[str, str], **context: Any
    ) -> Response:
        parameters = {k: v for k, v in context.items() if k in ("window", "text")}
        found = self._read(self._session(request), queries, **parameters)
        return self._render(request, template, found | context)

    def _render(self, request: Request, template: str, context: dict[str, Any]) -> Response:
        session = self._session(request)
        said, is_refusal = session.told()
        shared = {
            "person": session.name,
            "may_decide": session.may_decide,
            "csrf": session.csrf,
            "said": said,
            "is_refusal": is_refusal,
            "here": quote(request.url.path),
        }
        return page(template, shared | context)

    def _read(self, session: Session, queries: Mapping[str, str], **parameters: Any) -> Any:
        return read(self._settings, session.name, session.password, queries, **parameters)

    def _session(self, request: Request) -> Session:
        session = self._sessions.find(request.cookies.get(COOKIE, ""))
        if session is None:
            raise NotLoggedInError
        return session

    async def _checked_form(self, request: Request) -> tuple[Session, Form]:
        """The form, if it is one of ours that this person was shown."""
        session, form = self._session(request), await _form(request)
        if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            raise PageRefusedError(403, "Nothing was done", "Open the page again, then try again.")
        return session, form


class NotLoggedInError(Exception):
    """Nobody is, or no longer."""


def ask_to_log_in(_: Request, __: Exception) -> Response:
    """To the login, whatever was asked for."""
    return RedirectResponse("/desk/login", 303)


async def _form(request: Request) -> Form:
    """The fields of a form that was sent from a page of ours."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("Host"):
        raise PageRefusedError(403, "Nothing was done", "This came from another site.")
    try:
        return dict(parse_qsl((await request.body()).decode(), max_num_fields=20))
    except ValueError:
        raise PageRefusedError(400, "Nothing was done", "This is no form of ours.") from None


def _login_again(name: str, problem: str, status: int) -> Response:
    return page("desk/login.html", {"problem": problem, "name": name}, status)


def _back(path: str) -> str:
    """Where a form was; never another site."""
    return path if re.fullmatch(r"/desk(/[^\\\r\n]*)?", path) else "/desk"
