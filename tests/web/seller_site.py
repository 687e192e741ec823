"""The pages of sellers as a process of their own, over a window that is partly paid."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from orchestrator.config import Component
from orchestrator.network.addresses import authorities
from orchestrator.services.processes import service
from orchestrator.web.portal.links import make_token
from tests.cli.people import Desk, partly_paid_desk
from tests.support.closed_week import environment_of

SECRET, OLD_SECRET = "a" * 32, "b" * 40
HOUR = 3600


@dataclass(frozen=True)
class SellerSite:
    """Sellers by what became of them in the window: completed, failed, submitted, held."""

    desk: Desk
    url: str

    @property
    def sellers(self) -> dict[str, str]:
        query = "select state, min(seller_id) as seller from finance.payout_lines group by state"
        found = self.desk.rows(Component.ORCHESTRATOR, query)
        [held] = self.desk.rows(
            Component.ORCHESTRATOR, "select seller_id from finance.batch_left_out"
        )
        return {row["state"]: row["seller"] for row in found} | {"held": held["seller_id"]}

    def link(self, seller: str, *, seconds: int = HOUR, secret: str = SECRET) -> str:
        return f"{self.url}/s/{make_token(seller, int(time.time()) + seconds, secret)}"

    def get(self, address: str, **parameters: str) -> httpx.Response:
        return httpx.get(
            address,
            params=parameters or None,
            trust_env=False,
            verify=authorities(),
            timeout=60,
        )

    def json(self, state: str, what: str = "statement.json", **parameters: str) -> Any:
        answer = self.get(f"{self.link(self.sellers[state])}/{what}", **parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@contextmanager
def seller_site() -> Iterator[SellerSite]:
    desk = partly_paid_desk()
    environment = environment_of(desk.settings) | {
        "SETTLE_HOME": str(desk.settings.home),
        "SETTLE_LINK_SECRET": f"{SECRET}, {OLD_SECRET}",
    }
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with service(["serve", "--port", "0"], environment, log) as url:
            yield SellerSite(desk, url.removesuffix("/webhooks/halfin"))
        assert log.read_text() == ""
