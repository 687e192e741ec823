"""Logging in and out of the console, and whether a form is one of ours."""

import hmac
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from orchestrator.config import Environment, Settings
from orchestrator.database.connection import connect_as
from orchestrator.database.people import MAX_NAME_BYTES, reading_login
from orchestrator.errors import SettleError
from orchestrator.network.moving_window import MovingWindow
from orchestrator.web.desk.connections import Readers
from orchestrator.web.desk.queries import groups_of
from orchestrator.web.desk.sessions import COOKIE, LONGEST_S, Session, Sessions
from orchestrator.web.errors import PageRefusedError, client_of
from orchestrator.web.render import page

# Of one name from one address; and of all names from there. A name alone is never locked: a
# stranger could otherwise lock a colleague out.
WRONG_LOGINS_A_MINUTE, WRONG_LOGINS_OF_AN_ADDRESS = 5, 20
MOST_FIELDS, MOST_CHOSEN = 20, 2000  # a row that can be chosen is a field
Form = dict[str, str]


class NotLoggedInError(Exception):
    """There is no session, or it has ended."""


def ask_to_log_in(_: Request, __: Exception) -> Response:
    """Redirect to the login form."""
    return RedirectResponse("/desk/login", 303)


class Auth:
    """Log in and out; the sessions of this process."""

    def __init__(self, settings: Settings, readers: Readers) -> None:
        self._settings, self._readers = settings, readers
        self._is_production = settings.environment is Environment.PRODUCTION
        self._sessions = Sessions()
        self._wrong_of_a_name = MovingWindow(WRONG_LOGINS_A_MINUTE, 60)
        self._wrong_of_all = MovingWindow(WRONG_LOGINS_OF_AN_ADDRESS, 60)

    def routes(self) -> list[Route]:
        """The login form, login and logout."""
        return [
            Route("/desk/login", self.login_form),
            Route("/desk/login", self.login, methods=["POST"]),
            Route("/desk/logout", self.logout, methods=["POST"]),
        ]

    def login_form(self, request: Request) -> Response:
        """Name and password of a personal database login."""
        return page("desk/login.html", {"problem": None, "name": ""})

    async def login(self, request: Request) -> Response:
        """The database checks the password; only finance and analysts get a session."""
        form = await _form(request, self._settings)
        return await run_in_threadpool(self._log_in, request, form)

    def _log_in(self, request: Request, form: Form) -> Response:
        name, password = form.get("name", "").strip(), form.get("password", "")
        client = client_of(request)
        attempts = (
            (self._wrong_of_a_name, f"{client} {name[:MAX_NAME_BYTES]}"),
            (self._wrong_of_all, client),
        )
        if any(limit.count(key) for limit, key in attempts):
            return _login_again(name, "Too many attempts: wait a minute, then try again.", 429)
        try:
            if not name or "\0" in name + password:
                raise SettleError("no name")
            with connect_as(self._settings, name, password) as database:
                may_enter, may_decide = groups_of(database)
        except SettleError as error:
            if "does not answer" in str(error):
                _take_back(attempts)
                raise
            may_enter, may_decide = False, False
        if not may_enter:
            return _login_again(
                name, "Unknown name, wrong password, or no access to the console.", 401
            )
        _take_back(attempts)
        if may_decide and not self._may_read(name, password):
            return _login_again(
                name,
                f"Your login for reading, {reading_login(name)}, is not there or has another"
                f" password: settle user add {name} --group finance makes it anew.",
                403,
            )
        cookie = self._sessions.begin(name, password, may_decide=may_decide)
        answer = RedirectResponse("/desk", 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=LONGEST_S,
            path="/desk",
            httponly=True,
            samesite="strict",
            secure=self._is_production or request.url.scheme == "https",
        )
        return answer

    def _may_read(self, name: str, password: str) -> bool:
        try:
            with connect_as(self._settings, reading_login(name), password):
                return True
        except SettleError:  # the server has just answered to the other login
            return False

    async def logout(self, request: Request) -> Response:
        """End the session, here and in the browser."""
        session, _ = await self.checked_form(request)
        self._readers.forget(session)
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = RedirectResponse("/desk/login", 303)
        answer.delete_cookie(COOKIE, path="/desk", httponly=True, samesite="strict")
        return answer

    def session(self, request: Request) -> Session:
        """Who asks; raises NotLoggedInError."""
        session = self._sessions.find(request.cookies.get(COOKIE, ""))
        if session is None:
            raise NotLoggedInError
        return session

    async def checked_form(self, request: Request) -> tuple[Session, Form]:
        """The form, if it is one of ours that this person was shown."""
        session = self.session(request)
        form = await _form(request, self._settings, MOST_CHOSEN)
        if not hmac.compare_digest(form.get("csrf", "").encode(), session.csrf.encode()):
            raise PageRefusedError(403, "Nothing was done", "Open the page again, then try again.")
        return session, form


async def _form(request: Request, settings: Settings, most_fields: int = MOST_FIELDS) -> Form:
    """The fields of a form that was sent from a page of ours, whatever Host a proxy passes on.

    Fields of one name are the lines of one value: rows that were chosen are a file.
    """
    origin = request.headers.get("Origin")
    ours = (request.headers.get("Host"), urlsplit(settings.pages_url).netloc)
    if origin is not None and urlsplit(origin).netloc not in ours:
        raise PageRefusedError(403, "Nothing was done", "The form came from another site.")
    try:
        given = parse_qsl((await request.body()).decode(), max_num_fields=most_fields)
    except ValueError:
        raise PageRefusedError(400, "Nothing was done", "The form could not be read.") from None
    values: dict[str, list[str]] = {}
    for name, value in given:
        values.setdefault(name, []).append(value)
    return {name: "\n".join(lines) for name, lines in values.items()}


def _take_back(attempts: Iterable[tuple[MovingWindow, str]]) -> None:
    for limit, key in attempts:
        limit.take_back(key)


def _login_again(name: str, problem: str, status: int) -> Response:
    return page("desk/login.html", {"problem": problem, "name": name}, status)
