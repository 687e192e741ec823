"""Finished backtests on the console, in a real browser: at a desk and on a phone."""

from collections.abc import Iterator
from html import unescape

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.backtest.backtest import keep
from tests.backtest.reports import WINDOWS, grid, two_policies
from tests.support.browsers import assert_accessible, chromium, picture
from tests.support.closed_week import ANALYST, FINANCE
from tests.web.desk_site import DeskSite, desk_site
from tests.web.test_desk_browser import CUT_OFF, DESKTOP, PHONE, log_in

PAGE = "/desk/risk"


@pytest.fixture(scope="module")
def site() -> Iterator[DeskSite]:
    """Two backtests are finished: two policies side by side, then a grid."""
    with desk_site() as site:
        keep(site.desk.settings, two_policies())
        keep(site.desk.settings, grid())
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.mark.parametrize("name", [FINANCE, ANALYST])
def test_everybody_on_the_console_sees_what_was_tried_and_what_it_does_not_tell(
    site: DeskSite, name: str
) -> None:
    with site.person(name) as person:
        shown = unescape(person.get(f"{PAGE}/1").text)
        assert all(limit in shown for limit in two_policies().limits)
        assert f"2 of 26 windows are immature, from {WINDOWS[-2]} on" in shown
        assert f"{WINDOWS[-1]} (immature)" in shown
        assert "\N{MINUS SIGN}1,100,000.00" in shown
        assert "<script" not in shown
        assert "style=" not in shown
        for number in ("3", "9" * 30):
            assert person.get(f"{PAGE}/{number}").status_code == 404


def test_nobody_else_sees_them(site: DeskSite) -> None:
    with site.person(ANALYST) as person:
        person.cookies.clear()
        answer = person.get(f"{PAGE}/1")
    assert answer.url.path == "/desk/login"
    assert "two weeks" not in answer.text


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_backtest_is_found_and_read(
    site: DeskSite, browser: Browser, size: dict[str, int]
) -> None:
    page = log_in(browser, site, FINANCE, size)
    page.get_by_role("link", name="Risk").click()
    place = "" if size is DESKTOP else "-phone"
    rows = page.get_by_role("row").filter(has=page.get_by_role("rowheader"))
    expect(rows.first).to_contain_text("standard.reserve_days=7,10,14 and review_dispute_rate")
    for link, name, charts in ((1, "backtest", 4), (0, "grid", 2)):
        page.goto(PAGE)
        assert_accessible(page)
        assert page.evaluate(CUT_OFF) == []
        page.get_by_role("link", name="two weeks").nth(link).click()
        expect(page.get_by_role("img")).to_have_count(charts)
        assert_accessible(page)
        assert page.evaluate(CUT_OFF) == []
        picture(page.locator("main"), f"desk-{name}{place}")
    # Each policy has its number on the chart: six on the frontier, joined, and three beside it.
    frontier = page.get_by_role("img").first
    expect(frontier.locator("circle")).to_have_count(9)
    expect(frontier.locator("polyline")).to_have_count(1)
