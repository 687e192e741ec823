"""The page of held sellers with 200 of them, in a real browser: at a desk and on a phone."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, expect

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.support.browsers import assert_accessible, chromium, picture
from tests.support.closed_week import FINANCE, SECOND, WINDOW
from tests.support.flagged_sellers import add_flagged_sellers
from tests.web.desk_site import HELD, WEEK, DeskSite, desk_site
from tests.web.test_desk_browser import DESKTOP, PHONE, log_in

FLAGGED = 200
SECONDS = 5  # on a busy machine; alone it takes a tenth of that


@pytest.fixture
def site() -> Iterator[DeskSite]:
    with desk_site() as site:
        with connect(site.desk.settings, Component.OWNER) as owner:
            add_flagged_sellers(owner, FLAGGED)
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def releases(site: DeskSite) -> list[tuple[str, ...]]:
    query = "select seller_id, note, released_by from finance.hold_releases order by release_id"
    return [tuple(row.values()) for row in site.desk.rows(Component.ORCHESTRATOR, query)]


def holds(site: DeskSite) -> list[str]:
    query = "select seller_id from finance.seller_holds where lifted_at is null order by hold_id"
    return [row["seller_id"] for row in site.desk.rows(Component.ORCHESTRATOR, query)]


def height(page: Page) -> int:
    found: int = page.evaluate("document.documentElement.scrollHeight")
    return found


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(
            DESKTOP, marks=pytest.mark.many("a phone is narrower: make test has it"), id="desktop"
        ),
        pytest.param(PHONE, id="phone"),
    ],
)
def test_200_flagged_sellers_fit_the_screen(
    site: DeskSite, browser: Browser, size: dict[str, int]
) -> None:
    page = log_in(browser, site, FINANCE, size)
    page.goto(f"{HELD}?reason=manual_review")
    boxes = page.get_by_role("checkbox")
    assert boxes.count() >= FLAGGED
    assert_accessible(page)
    assert height(page) <= 3 * size["height"]  # one form for each was 30 screens of a phone
    label = page.get_by_role("heading", level=1).locator(".nowrap")
    assert len(label.evaluate("node => [...node.getClientRects()].map(String)")) == 1
    row = page.get_by_role("row").filter(has_text="flagged-007")
    expect(row).to_contain_text("1,007.00")  # new in the window
    expect(row).to_contain_text("30.7")  # score, and that of the close before
    expect(row).to_contain_text("30.6")
    picture(page, "held" if size is DESKTOP else "held-phone")
    begun = time.monotonic()
    page.reload()
    assert time.monotonic() - begun < SECONDS
    page.goto(WEEK)
    assert_accessible(page)
    expect(page.get_by_role("link", name="manual review")).to_be_visible()


def test_sellers_are_filtered_sorted_chosen_and_released_with_one_note(
    site: DeskSite, browser: Browser
) -> None:
    page = log_in(browser, site, FINANCE)
    page.goto(WEEK)
    page.get_by_role("link", name="Compare, release or hold").click()
    page.get_by_label("Held for", exact=True).select_option("manual_review")
    page.get_by_label("First").select_option("disputes")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**sort=disputes")
    names = page.locator("tbody th").all_inner_texts()
    flagged = [name for name in names if name.startswith("flagged-")]
    assert flagged == sorted(flagged, reverse=True)  # who has a higher number is disputed more
    for seller in ("flagged-200", "flagged-198", "flagged-001"):
        page.get_by_label(f"Choose {seller}").check()
    page.get_by_label("Why, of all that are chosen").fill("orders look right")
    page.get_by_role("button", name="Release the chosen").click()
    said = page.get_by_role("status")
    expect(said).to_contain_text("3 sellers are released")
    expect(said).to_contain_text("1 of them are still held, for another reason.")
    assert releases(site) == [
        (seller, "orders look right", FINANCE)
        for seller in ("flagged-200", "flagged-198", "flagged-001")
    ]
    # The filter is what it was.
    expect(page.get_by_label("Held for", exact=True)).to_have_value("manual_review")
    expect(page.get_by_label("Choose flagged-200")).to_have_count(0)


def test_all_are_chosen_by_one_link_and_held_by_one_button(
    site: DeskSite, browser: Browser
) -> None:
    page = log_in(browser, site, SECOND, PHONE)
    page.goto(f"{HELD}?reason=flagged")
    page.get_by_role("link", name="Choose all").click()
    page.wait_for_url("**choose=all")
    count = page.get_by_role("checkbox", checked=True).count()
    assert count >= FLAGGED
    page.get_by_label("Why, of all that are chosen").fill("asked the risk team")
    page.get_by_role("button", name="Hold the chosen").click()
    expect(page.get_by_role("status")).to_contain_text(f"{count} sellers are held.")
    assert len(holds(site)) == count
    # Once more is nobody: each is named, and nothing is done.
    page.get_by_label("Choose flagged-001").check()
    page.get_by_label("Why, of all that are chosen").fill("again")
    page.get_by_role("button", name="Hold the chosen").click()
    expect(page.get_by_role("status")).to_contain_text(
        f"flagged-001 is held already, by {SECOND}: leave the row out"
    )
    assert len(holds(site)) == count


def test_the_keyboard_alone_chooses_and_releases(site: DeskSite, browser: Browser) -> None:
    page = log_in(browser, site, FINANCE)
    page.goto(f"{HELD}?reason=manual_review&sort=seller")
    page.get_by_label("Choose flagged-001").focus()
    page.keyboard.press("Space")
    page.get_by_label("Why, of all that are chosen").focus()
    page.keyboard.type("looked at")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Release the chosen")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("1 seller is released")
    assert [row[0] for row in releases(site)] == ["flagged-001"]


def test_a_reason_is_released_only_as_it_was_shown(site: DeskSite, browser: Browser) -> None:
    ana, ben = log_in(browser, site, FINANCE), log_in(browser, site, SECOND)
    for page in (ana, ben):
        page.goto(f"{HELD}?reason=manual_review")
        page.get_by_label("Why they are released").fill("reviewed")
    button = "Release everybody held for manual review"
    ana.get_by_label("Choose flagged-001").check()
    ana.get_by_label("Why, of all that are chosen").fill("alone")
    ana.get_by_role("button", name="Release the chosen").click()
    ben.get_by_role("button", name=button).click()
    expect(ben.get_by_role("status")).to_contain_text("nothing was released; look at them again")
    ben.get_by_label("Why they are released").fill("reviewed")
    ben.get_by_role("button", name=button).click()
    expect(ben.get_by_role("status")).to_contain_text("sellers are released from manual review")
    assert {row[2] for row in releases(site)[1:]} == {SECOND}
    assert len(releases(site)) >= FLAGGED


def test_of_two_clicks_at_once_one_releases(site: DeskSite) -> None:
    fields = {"window": WEEK[-8:], "note": "x", "file": "seller_id\nflagged-001\nflagged-002"}
    with site.person(FINANCE) as ana, site.person(SECOND) as ben:
        with ThreadPoolExecutor(2) as clicks:
            answers = clicks.map(lambda who: who.do(HELD, "release-file", **fields), (ana, ben))
        assert sorted("2 sellers are released" in answer.text for answer in answers) == [
            False,
            True,
        ]
    assert len(releases(site)) == 2


def test_after_a_refused_batch_two_clicks_of_two_people_approve_the_rest(
    site: DeskSite, browser: Browser
) -> None:
    desk = site.desk
    desk.approve(FINANCE)
    desk.freeze()
    details = ["payouts[0].destination: no such account"]
    refused = {"error": {"code": "validation_error", "message": "no", "details": details}}
    desk.answered(400, json.dumps(refused).encode())
    [named] = desk.rows(
        Component.ORCHESTRATOR, "select seller_id from finance.refused_sellers(%s)", WINDOW
    )
    for name, held in ((FINANCE, 1), (SECOND, 0)):
        page = log_in(browser, site, name)
        page.goto(WEEK)
        expect(page.get_by_role("cell", name="destination: no such account")).to_be_visible()
        assert_accessible(page)
        page.get_by_role("button", name="Hold the refused, approve").click()
        expect(page.get_by_role("status")).to_contain_text(
            f"{name} held {held} more of the refused sellers of {WINDOW} and approved the rest"
        )
    expect(page.get_by_text("Nothing: the next run pays it.")).to_be_visible()
    assert holds(site) == [named["seller_id"]]
    query = "select approved_by from finance.covering_approvals(%s) order by 1"
    found = desk.rows(Component.ORCHESTRATOR, query, WINDOW)
    assert [row["approved_by"] for row in found] == [FINANCE, SECOND]
