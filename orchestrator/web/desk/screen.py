"""What all pages of the console share: who asks, what is read as them, and how it is shown."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from orchestrator.config import Settings
from orchestrator.decisions.decisions import FIELDS
from orchestrator.web.desk.auth import Auth
from orchestrator.web.desk.connections import Readers
from orchestrator.web.desk.queries import MOST_ROWS
from orchestrator.web.render import page


class Screen:
    """Who has no session is led to the login."""

    def __init__(self, settings: Settings) -> None:
        self._readers = Readers(settings)
        self.auth = Auth(settings, self._readers)

    def page(
        self, request: Request, template: str, queries: Mapping[str, str], **context: Any
    ) -> Response:
        """What the queries find, shown with the rest of the context; `text` is searched for."""
        parameters = {k: v for k, v in context.items() if k == "text"}
        found = self.read(request, queries, **parameters)
        return self.render(request, template, found | context)

    def render(self, request: Request, template: str, context: dict[str, Any]) -> Response:
        """The template for the person who asks, with what was said after their last decision."""
        session = self.auth.session(request)
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

    def read(self, request: Request, queries: Mapping[str, str], **parameters: Any) -> Any:
        """The rows of each query, read as the person who asks."""
        known = {"window": None, "all": False, "limit": MOST_ROWS, "reason": None} | parameters
        return self._readers.read(self.auth.session(request), queries, **known)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._readers.close()
