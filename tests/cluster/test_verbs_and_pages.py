"""What people run beside the weekly payout, of a project that is for a cluster, as processes."""

import shutil
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect
from orchestrator.services.processes import service
from tests.cluster.nodes import PEOPLE, SECRET, Cluster, environment
from tests.cluster.weeks import DUE, ENDS, LAG, WINDOWS, approve, at_rail, build, pay
from tests.support.projects import changed_project
from tests.support.settings import at
from tests.support.shell import Shell
from tests.web.desk_site import Person

MARKET = ("--sellers", "40", "--weeks", "6", "--orders-per-seller-week", "3")
# Who leaves: one order, paid with the last window, and nothing since.
LEAVER, NAME, WALLET = "leaver", "Kaito Ceramics", "0x52908400098527886E0F7030069857D2E4169EE7"
LEAVES = ENDS[0] + timedelta(days=70)
SELLER = f"""
insert into marketplace.sellers (
    seller_id, display_name, region, fast_settlement, wallet_address, status, payouts_enabled,
    created_at, updated_at
)
values ('{LEAVER}', '{NAME}', 'EU', false, '{WALLET}', 'active', true, '2026-01-01', '2026-01-01')
"""
ORDER = f"""
insert into marketplace.orders (
    order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at
)
select 'one', 'one', '{LEAVER}', 'USD', 90, at, at from (select %s::timestamptz as at) as placed
"""


@dataclass(frozen=True)
class Market:
    """A week that was closed and paid by the verbs alone, its large tables on the workers."""

    cluster: Cluster
    settle: Shell

    def value(self, query: str) -> Any:
        with connect(self.cluster.settings(), Component.OWNER) as owner:
            [[found]] = owner.execute(query.encode()).fetchall()
        return found

    def serve(self, folder: Path) -> AbstractContextManager[str]:
        """The console; yields where it is."""
        variables = {"SETTLE_HOME": str(self.cluster.home)} | environment(
            dict(self.cluster.settings().urls)
        )
        return service(["serve", "--port", "0"], variables, folder / "log")


@pytest.fixture(scope="module")
def market(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Market:
    project = changed_project(
        tmp_path_factory.mktemp("project"),
        "dbt_project.yml",
        "distributed: false",
        "distributed: true",
    )
    for name in ("orchestrator", "profiles.yml.example"):
        source, target = PROJECT_ROOT / name, project / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    settings = cluster.settings((ENDS[0] + LAG).isoformat())
    settle = Shell(
        cluster.home,
        project=project,
        SETTLE_NOW=str(settings.now),
        SETTLE_ERASURE_KEY="k" * 32,
        **environment(dict(settings.urls)),
    )
    assert settle.done("db", "distribute").startswith("9 tables are on the workers now")
    assert "orders: " in settle.done("generate", *MARKET)
    with connect(settings, Component.OWNER) as owner:
        owner.execute(SELLER.encode())
        owner.execute(ORDER.encode(), [ENDS[0] - timedelta(days=10)])
    settle.done("close")
    approve(settings, WINDOWS[0])
    with at_rail(at(settings, ENDS[0] + DUE)) as paying:
        assert pay(paying, WINDOWS[0]).state == "accepted"
    return Market(cluster, settle)


def test_what_is_generated_is_on_the_workers_and_there_once(market: Market) -> None:
    parts = market.cluster.run(
        "select count(*) from citus_shards where table_name = 'marketplace.orders'::regclass"
        " and shard_size > 8192"
    )
    assert parts[0][0] > 10
    before = market.value("select count(*) from marketplace.order_fees")
    refused = market.settle.refused("generate", *MARKET)
    assert "marketplace" in refused  # it has a seller and an order of somebody else by now
    assert market.value("select count(*) from marketplace.order_fees") == before > 0


def test_every_page_of_the_console_opens(market: Market, tmp_path: Path) -> None:
    week = f"/desk/windows/{WINDOWS[0]}"
    pages = (
        *("/desk", week, f"{week}/held", f"{week}/approve", "/desk/sellers?q=leaver"),
        *(f"/desk/sellers/{LEAVER}", "/desk/adjustments", "/desk/limits", "/desk/breaks"),
        *("/desk/alerts", "/desk/books", "/desk/blocks", "/desk/reserve-policies"),
        *("/desk/go-live", "/desk/erasures", "/desk/risk"),
    )
    with market.serve(tmp_path) as url, Person(url.removesuffix("/webhooks/halfin")) as person:
        assert person.log_in(PEOPLE[0], SECRET).url.path == "/desk"
        found = {page: person.get(page) for page in pages}
        assert {page: answer.status_code for page, answer in found.items()} == dict.fromkeys(
            pages, 200
        )
        assert "90.00" in found[f"/desk/sellers/{LEAVER}"].text
    assert (tmp_path / "log").read_text() == ""


def test_who_was_paid_and_has_left_is_erased(market: Market) -> None:
    settings = at(market.cluster.settings(), LEAVES)
    with connect(settings, Component.OWNER) as owner:
        owner.execute(
            "update marketplace.sellers set status = 'closed', updated_at = settle_now()"
            " where seller_id = %s",
            [LEAVER],
        )
    build(settings, distributed=True)
    now = {"SETTLE_NOW": LEAVES.isoformat(), "SETTLE_PASSWORD": SECRET}
    asking = ("erase", LEAVER, "--note", f"{NAME} asked", "--as", PEOPLE[0])
    assert "another person must approve" in market.settle.done(*asking, **now)
    market.settle.done("erase", "approve", LEAVER, "--as", PEOPLE[1], **now)
    wallet = f"select wallet_address from finance.payout_lines where seller_id = '{LEAVER}'"
    assert market.value(wallet).startswith("erased-")
    name = f"select display_name from marketplace.sellers where seller_id = '{LEAVER}'"
    assert market.value(name).startswith("erased-")
    shown = market.settle.done("erase", "check", LEAVER, WALLET, **now)
    assert "a wallet that they named" in shown
