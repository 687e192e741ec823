"""The finance console as a process of its own, over a closed week; and people at their browsers."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from orchestrator.network.addresses import authorities
from orchestrator.services.processes import service
from tests.cli.people import Desk, open_desk
from tests.support.closed_week import WINDOW, environment_of

WEEK = f"/desk/windows/{WINDOW}"
HELD = f"{WEEK}/held"
PAGES = (
    *(
        "/desk",
        WEEK,
        HELD,
        f"{HELD}?reason=all&sort=change&choose=all",
        f"{WEEK}/approve",
        "/desk/sellers?q=seller",
        "/desk/sellers/seller-000001",
    ),
    *("/desk/adjustments", "/desk/limits", "/desk/breaks", "/desk/alerts", "/desk/books"),
    *("/desk/blocks", "/desk/reserve-policies", "/desk/go-live", "/desk/erasures", "/desk/risk"),
)
CSRF = re.compile(r'name="csrf" value="([^"]+)"')


class Person(httpx.Client):
    """A browser without scripts: it keeps cookies, follows redirects and sends forms."""

    def __init__(self, url: str) -> None:
        super().__init__(
            base_url=url,
            follow_redirects=True,
            trust_env=False,
            verify=authorities(),
            timeout=60,
        )

    def log_in(self, name: str, password: str) -> httpx.Response:
        return self.post("/desk/login", data={"name": name, "password": password})

    def do(self, page: str, action: str, **fields: str) -> httpx.Response:
        """Open the page, then send a form of it; what it says next is the answer."""
        token = CSRF.search(self.get(page).text)
        assert token, page
        form = {"csrf": token[1], "back": page} | fields
        return self.post(f"/desk/do/{action}", data=form)


class DeskSite:
    def __init__(self, desk: Desk, url: str) -> None:
        self.desk, self.url = desk, url

    @contextmanager
    def person(self, name: str) -> Iterator[Person]:
        """Somebody who has logged in."""
        with Person(self.url) as person:
            answer = person.log_in(name, self.desk.week.server.password(name))
            assert answer.url.path == "/desk", answer.text
            yield person


@contextmanager
def desk_site(**environment: str) -> Iterator[DeskSite]:
    desk = open_desk()
    variables = environment_of(desk.settings) | {"SETTLE_HOME": str(desk.settings.home)}
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with service(["serve", "--port", "0"], variables | environment, log) as url:
            yield DeskSite(desk, url.removesuffix("/webhooks/halfin"))
        assert log.read_text() == ""
