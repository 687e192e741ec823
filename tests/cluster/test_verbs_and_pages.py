"""What people run beside the weekly payout, of a project that is for a cluster, as processes."""

import json
import shutil
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect
from orchestrator.services.processes import service
from orchestrator.web.portal.links import make_token
from tests.backtest.test_backtest import CLOSES, HEALTH, ROWS
from tests.cluster.nodes import PEOPLE, SECRET, Cluster, environment
from tests.cluster.weeks import DUE, ENDS, LAG, WINDOWS, approve, at_rail, build, pay
from tests.support.projects import changed_project
from tests.support.settings import at
from tests.support.shell import Shell
from tests.web.desk_site import Person

MARKET = ("--sellers", "40", "--weeks", "6", "--orders-per-seller-week", "3")
LINKS = "a" * 32
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

# Sellers are flagged, paid and put under another reserve, and computed with it again.
TRIED = """
policy: tried
variables: {late_disputes: recover, review_dispute_rate: 0.01}
reserve_policies:
  - {policy: standard, reserve_days: 14, holdback_percent: 10, holdback_days: 30}
review_actions:
  - {review_reason: disputes, action: pay, policy: elevated, lift_after_weeks: 4}
"""


@dataclass(frozen=True)
class Market:
    """A week that was closed and paid by the verbs alone, its large tables on the workers."""

    cluster: Cluster
    settle: Shell

    def value(self, query: str) -> Any:
        [[found]] = rows_of(self.cluster.settings(), query)
        return found

    def serve(self, folder: Path) -> AbstractContextManager[str]:
        """The console and the pages of sellers; yields where they are."""
        named = {"SETTLE_HOME": str(self.cluster.home), "SETTLE_LINK_SECRET": LINKS}
        variables = named | environment(dict(self.cluster.settings().urls))
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
    trade(settle, settings)
    approve(settings, WINDOWS[0])
    with at_rail(at(settings, ENDS[0] + DUE)) as paying:
        assert pay(paying, WINDOWS[0]).state == "accepted"
    return Market(cluster, settle)


def trade(settle: Shell, settings: Settings) -> None:
    """The same marketplace wherever it is asked for, with the closes of all its weeks."""
    assert "orders: " in settle.done("generate", *MARKET)
    with connect(settings, Component.OWNER) as owner:
        owner.execute(SELLER.encode())
        owner.execute(ORDER.encode(), [ENDS[0] - timedelta(days=10)])
    settle.done("close")


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


def test_a_seller_reads_the_statement_orders_receipt_and_year(
    market: Market, tmp_path: Path
) -> None:
    token = make_token(LEAVER, int(time.time()) + 3600, LINKS)
    receipt = f"/receipts/{WINDOWS[0]}"
    pages = ("", "/statement.json", "/orders", "/orders.json", "/years/2026", "/years/2026.json")
    with market.serve(tmp_path) as url, Person(url.removesuffix("/webhooks/halfin")) as browser:
        pages = (*pages, receipt, f"{receipt}.csv", f"{receipt}.json")
        found = {page: browser.get(f"/s/{token}{page}") for page in pages}
        assert {page: answer.status_code for page, answer in found.items()} == dict.fromkeys(
            pages, 200
        )
        assert found[f"{receipt}.json"].json()["amount"] == "90.00"
    assert (tmp_path / "log").read_text() == ""


@pytest.mark.slow
def test_a_backtest_says_what_it_says_on_one_server(
    market: Market, settings: Settings, tmp_path: Path
) -> None:
    """Two policies at the same time, each in schemas of its own; of the first, every row."""
    there = at(settings, ENDS[0] + LAG)
    alone = Shell(there.home, SETTLE_NOW=str(there.now))
    trade(alone, there)
    policy = tmp_path / "tried.yml"
    policy.write_text(TRIED, encoding="utf-8")
    asking = ("backtest", "--policy", str(policy), "--json")
    said = [json.loads(settle.done(*asking)) for settle in (market.settle, alone)]
    assert said[0] == said[1]
    computed = (CLOSES, ROWS), ("asof_backtest_core.int_seller_health", HEALTH)
    for relation, query in computed:
        ours, theirs = (
            rows_of(one, query.format(relation)) for one in (market.cluster.settings(), there)
        )
        assert ours == theirs
        assert len(ours) > 100


def rows_of(settings: Settings, query: str) -> list[Any]:
    with connect(settings, Component.OWNER) as owner:
        return owner.execute(query.encode()).fetchall()


def test_the_archive_of_a_year_is_what_the_cluster_has(market: Market, tmp_path: Path) -> None:
    market.settle.done("close", SETTLE_NOW=LEAVES.isoformat())
    market.settle.done("export", "archive", "--year", "2026", "--to", str(tmp_path))
    folder = tmp_path / "archive-2026"
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    rows = {file["name"]: file["rows"] for file in manifest["files"]}
    entries = "select count(*) from finance.window_close_entries where payout_window < '2027'"
    assert rows["window_close_entries"] == market.value(entries) > 1000
    checked = market.settle.done("export", "archive", "--check", str(folder), "--json")
    assert json.loads(checked)["differences"] == []


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
