"""The graph as finance sees it: a real browser on what `settle up` runs.

With SETTLE_PICTURES=DIR it leaves its screenshots there, as docs/images has them.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsers import PATIENCE_MS, chromium, picture
from tests.support.closed_week import closed_week
from tests.support.services import everything_up, free_port

KEY_OF_WINDOW = "2026-11-09"
pytestmark = pytest.mark.many(
    "all services and a browser: make test reads the graph, and has the console in a browser"
)


@pytest.fixture(scope="module")
def pages() -> Iterator[tuple[Page, str, str]]:
    """A browser page, the graph that acts, and the graph to read only."""
    acting, reading = free_port(), free_port()
    ports = ("--port", str(acting), "--read-only-port", str(reading))
    with chromium() as browser, everything_up(closed_week().shell, *ports):
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        yield page, f"http://127.0.0.1:{acting}", f"http://127.0.0.1:{reading}"


def test_the_gate_stands_on_the_graph(pages: tuple[Page, str, str]) -> None:
    page, url, _ = pages
    page.goto(f"{url}/asset-groups/~")
    for stage in ("sources", "core", "marts", "close", "approval", "payout", "outcomes"):
        expect(page.get_by_text(stage, exact=True).first).to_be_visible()
    page.wait_for_timeout(1500)  # the layout comes to rest
    picture(page, "graph")
    page.goto(f"{url}/assets/approval?view=lineage")
    for node in ("window_close", "approval", "payout_batch"):
        expect(page.get_by_text(node, exact=True).last).to_be_visible()
    page.wait_for_timeout(1500)
    picture(page, "gate")


def test_the_close_shows_its_tables(pages: tuple[Page, str, str]) -> None:
    page, url, _ = pages
    page.goto(f"{url}/assets/window_close?view=partitions&partition={KEY_OF_WINDOW}")
    expect(page.get_by_role("cell", name="totals_by_rail")).to_be_visible()
    expect(page.get_by_role("cell", name="ERC-20").first).to_be_visible()
    expect(page.get_by_text("New in 2026-W46")).to_be_visible()
    expect(page.get_by_role("cell", name="expected fees").first).to_be_visible()
    expect(page.get_by_text("/desk/windows/2026-W46")).to_be_visible()
    page.wait_for_timeout(500)
    picture(page, "close")


def test_a_column_leads_back_to_where_its_cents_come_from(pages: tuple[Page, str, str]) -> None:
    page, url, _ = pages
    page.goto(f"{url}/assets/seller_settlement_v1?view=overview")
    page.get_by_role("row", name="made_of").get_by_text("[Show Markdown]").click()
    shown = page.get_by_role("dialog")
    expect(shown.get_by_role("row", name="net int_settlement.net_minor")).to_be_visible()
    page.wait_for_timeout(500)
    picture(page, "column")


def test_the_checks_of_the_close_are_green_and_blocking(pages: tuple[Page, str, str]) -> None:
    page, url, _ = pages
    page.goto(f"{url}/assets/window_close?view=checks")
    page.get_by_text("unusual_total", exact=True).first.click()
    expect(page.get_by_text("This is a blocking asset check.")).to_be_visible()
    expect(page.get_by_text("new in the window:")).to_be_visible()
    picture(page, "checks")


def test_the_second_page_can_only_be_read(pages: tuple[Page, str, str]) -> None:
    page, acting, reading = pages
    answers = [
        page.request.post(f"{url}/graphql", data={"query": "{ canBulkTerminate }"})
        for url in (acting, reading)
    ]
    allowed = [answer.json()["data"]["canBulkTerminate"] for answer in answers]
    assert allowed == [True, False]
