"""A seller on a phone: when does my money come, and why is it less than I sold?"""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from tests.support.browsers import PATIENCE_MS, assert_accessible, chromium, picture
from tests.web.seller_site import SellerSite, seller_site

PHONE = {"width": 390, "height": 844}
PAPER = {"width": 794, "height": 1123}  # A4 at 96 dots an inch


@pytest.fixture(scope="module")
def site() -> Iterator[SellerSite]:
    with seller_site() as site:
        yield site


@pytest.fixture(scope="module")
def phone() -> Iterator[Page]:
    with chromium() as browser:
        page = browser.new_page(viewport=PHONE)
        page.set_default_timeout(PATIENCE_MS)
        yield page


def shown(amount: str) -> str:
    return f"{Decimal(amount):,.2f}"


def test_both_balances_are_shown_side_by_side(site: SellerSite, phone: Page) -> None:
    found = site.json("completed")
    phone.goto(site.link(site.sellers["completed"]))
    boxes = []
    for name, amount in (("Available", "available_balance"), ("Pending", "pending_balance")):
        card = phone.get_by_role("region", name=name, exact=True)
        expect(card.get_by_text(shown(found[amount]))).to_be_visible()
        boxes.append(card.bounding_box())
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["y"] == boxes[1]["y"]
    assert boxes[0]["y"] + boxes[0]["height"] < PHONE["height"]  # before any scrolling
    picture(phone, "seller")
    assert_accessible(phone)


def test_millions_fit_on_a_phone(site: SellerSite, phone: Page) -> None:
    """Side by side as long as both fit, else one above the other; no digit leaves its card."""
    phone.goto(site.link(site.sellers["completed"]))
    figures = phone.locator(".pair .figure")
    figures.evaluate_all(
        "found => found.forEach(it => it.firstChild.textContent = '12,879,830.94 ')"
    )
    for card in phone.locator(".pair > *").all():
        assert card.evaluate("it => it.scrollWidth <= it.clientWidth")
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_timeline_sums_to_the_pending_balance(site: SellerSite, phone: Page) -> None:
    found = site.json("completed")
    phone.goto(site.link(site.sellers["completed"]))
    timeline = phone.get_by_role("region", name="What becomes available when")
    rows = timeline.get_by_role("row").all_inner_texts()
    assert len(rows) == len(found["releases"]) + 2  # the heads, and the sum
    assert shown(found["pending_balance"]) in rows[-1]


def test_receipt_is_linked_and_sums_to_the_payout(site: SellerSite, phone: Page) -> None:
    [paid] = site.json("completed")["payouts"]
    phone.goto(site.link(site.sellers["completed"]))
    link = phone.get_by_role("link", name="9 to 15 November 2026")
    assert link.evaluate("it => it.getClientRects().length") <= 3  # no word is broken
    link.click()
    expect(phone.get_by_role("heading", name="Payout of 9 to 15 November 2026")).to_be_visible()
    last = phone.get_by_role("row", name="Paid with this payout")
    expect(last).to_contain_text(shown(paid["amount"]))
    assert_accessible(phone)
    picture(phone, "receipt")
    phone.get_by_role("link", name="Back to your payouts").click()
    expect(phone.get_by_role("heading", name="Your next payout")).to_be_visible()


def test_a_year_fits_on_a_phone_and_on_paper(site: SellerSite, phone: Page) -> None:
    found = site.json("completed", "years/2026.json")
    phone.goto(site.link(site.sellers["completed"]))
    phone.get_by_role("link", name="Your year 2026, by month, to print").click()
    after = phone.get_by_role("row", name="Net: orders after all of these")
    expect(after).to_contain_text(shown(found["total"]["consideration"]))
    for months in ("November", "October to December"):
        expect(phone.get_by_role("rowheader", name=months, exact=True)).to_be_visible()
    assert_accessible(phone)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    phone.emulate_media(media="print")
    expect(phone.get_by_role("link", name="Back to your payouts")).to_be_hidden()
    expect(after).to_be_visible()
    phone.set_viewport_size(PAPER)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    month = phone.get_by_role("rowheader", name="November", exact=True)
    assert month.evaluate("it => it.getClientRects().length") == 1
    phone.set_viewport_size(PHONE)
    phone.emulate_media(media="screen")


@pytest.mark.parametrize("state", ["failed", "submitted", "held"])
def test_every_state_is_accessible(site: SellerSite, phone: Page, state: str) -> None:
    phone.goto(site.link(site.sellers[state]))
    expect(phone.get_by_role("region", name="Available", exact=True)).to_be_visible()
    assert_accessible(phone)
    phone.goto(f"{site.link(site.sellers[state])}/orders")
    assert_accessible(phone)


def test_expired_and_invalid_links_are_rejected(site: SellerSite, phone: Page) -> None:
    phone.goto(site.link(site.sellers["completed"], seconds=-1))
    expect(phone.get_by_role("heading", name="This link has expired")).to_be_visible()
    assert_accessible(phone)
    phone.goto(f"{site.link(site.sellers['completed'])}0")
    expect(phone.get_by_role("heading", name="Nothing is here")).to_be_visible()
