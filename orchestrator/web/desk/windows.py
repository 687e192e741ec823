"""The pages about one window: what blocks its payout, who is held, its approval, its lines."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.web.desk.cache import Shared
from orchestrator.web.desk.connections import Rows
from orchestrator.web.desk.downloads import lines_file
from orchestrator.web.desk.queries import (
    APPROVE,
    HEAD,
    HELD,
    MOST_HELD,
    NOT_STORED,
    RELEASES,
    SORTS,
    WINDOW,
)
from orchestrator.web.desk.screen import Screen
from orchestrator.web.errors import PageRefusedError

RELOADS_AFTER_S, RELEASES_KEPT_S = 10, 3600
LABEL = re.compile(r"[0-9]{4}-W[0-9]{2}")


class WindowPages:
    """The routes under /desk/windows."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._releases: Shared[dict[str, Rows]] = Shared(RELEASES_KEPT_S)

    def routes(self) -> list[Route]:
        """The more particular paths first."""
        return [
            Route("/desk/windows/{window}/approve", self.approve_form),
            Route("/desk/windows/{window}/held", self.held),
            Route("/desk/windows/{window}/export.csv", self.export),
            Route("/desk/windows/{window}", self.window),
        ]

    def window(self, request: Request) -> Response:
        """One window: what blocks its payout, its figures, and its outcomes."""
        context = self._window(request, WINDOW)
        if not context["head"]["is_stored"]:
            context |= self._screen.read(request, NOT_STORED, window=context["window"])
        # The reserve changes with a build only.
        context |= self._releases.get(
            lambda: self._screen.read(request, RELEASES), version=context["head"]["build"]
        )
        # Without scripts: a header reloads the page while outcomes come in, unless ?still=1.
        reloads = context["head"]["is_under_way"] and "still" not in request.query_params
        answer = self._screen.render(request, "desk/window.html", context | {"reloads": reloads})
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
        return self._screen.render(request, "desk/held.html", context)

    def approve_form(self, request: Request) -> Response:
        """Names the amount and the count, and asks once."""
        return self._screen.render(request, "desk/approve.html", self._window(request, APPROVE))

    def export(self, request: Request) -> Response:
        """The payable or frozen lines, as `settle export` writes them."""
        asked = request.query_params.get("run", "")
        run = int(asked) if re.fullmatch("[1-9][0-9]{0,3}", asked) else None
        context = self._window(request, HEAD | {"lines": "window/export"}, run=run)
        return lines_file(context["window"], context["lines"])

    def _window(
        self, request: Request, queries: Mapping[str, str], **parameters: Any
    ) -> dict[str, Any]:
        """What the queries, one of which is HEAD, say about the window of the path."""
        label = request.path_params["window"]
        found: dict[str, Rows] = {}
        if LABEL.fullmatch(label):
            found = self._screen.read(request, queries, window=label, **parameters)
        if not found.get("head"):
            raise PageRefusedError(404, "No such window", "There is no window of that name.")
        return {**found, "window": label, "head": found["head"][0]}
