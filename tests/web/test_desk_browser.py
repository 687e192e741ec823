"""Finance on a Monday, in a real browser: read, release, approve, and see what comes of it."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from orchestrator.config import Component
from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from tests.cli.people import ready_sellers
from tests.functions.market import rail
from tests.halfin.sandbox import KEY, SIGNING
from tests.support.browsers import PATIENCE_MS, assert_accessible, chromium, picture
from tests.support.closed_week import FINANCE, SECOND, WINDOW
from tests.web.desk_site import PAGES, WEEK, DeskSite, desk_site

# The tables that are wider than their place.
CUT_OFF = """[...document.querySelectorAll('.scroll')]
    .filter(it => it.scrollWidth > it.clientWidth + 1).map(it => it.innerText.slice(0, 80))"""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def site() -> Iterator[DeskSite]:
    with desk_site(HALFIN_WEBHOOK_SECRET=SIGNING) as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def log_in(browser: Browser, site: DeskSite, name: str, size: dict[str, int] = DESKTOP) -> Page:
    """A person at a browser of their own."""
    page = browser.new_context(base_url=site.url, viewport=size).new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto("/desk")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(site.desk.week.server.password(name))
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Payout windows")).to_be_visible()
    return page


def test_wrong_password_shows_the_login_form_again(site: DeskSite, browser: Browser) -> None:
    page = browser.new_context(base_url=site.url).new_page()
    page.goto("/desk")
    assert_accessible(page)
    page.get_by_label("Name").fill(FINANCE)
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text(
        "Unknown name, wrong password, or no access to the console."
    )


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_page_is_accessible(site: DeskSite, browser: Browser, size: dict[str, int]) -> None:
    page = log_in(browser, site, FINANCE, size)
    for path in PAGES:
        page.goto(path)
        assert_accessible(page)
        if path != "/desk/books":  # its windows stand beside each other
            assert page.evaluate(CUT_OFF) == [], path
    page.goto(WEEK)
    picture(page, "desk" if size is DESKTOP else "desk-phone")


def test_week_from_a_flagged_seller_to_a_failed_payout(site: DeskSite, browser: Browser) -> None:
    """Two people approve after one of them has released a flagged seller; then the rail speaks."""
    ana, ben = log_in(browser, site, FINANCE), log_in(browser, site, SECOND)
    ana.goto(WEEK)
    before = ana.get_by_role("link", name="Approve").inner_text()
    ana.get_by_role("link", name="Compare, release or hold").click()
    ana.get_by_role("checkbox").first.check()
    ana.get_by_label("Why, of all that are chosen").fill("orders look right")
    ana.get_by_role("button", name="Release the chosen").click()
    expect(ana.get_by_role("status")).to_contain_text(f"1 seller is released in {WINDOW}")
    ana.goto(WEEK)
    after = ana.get_by_role("link", name="Approve")
    assert amount(after.inner_text()) > amount(before)

    for page, name in ((ana, FINANCE), (ben, SECOND)):
        page.goto(WEEK)
        page.get_by_role("link", name="Approve").click()
        page.get_by_role("button", name="Approve").dblclick()
        expect(page.get_by_role("status")).to_contain_text(f"{name} approved {WINDOW}")
        approvals = page.get_by_role("region", name="Approvals")
        expect(approvals.get_by_role("cell", name=name, exact=True)).to_be_visible()
    expect(ben.get_by_text("Nothing: the next run pays it.")).to_be_visible()

    with rail(processing_delay_s=3600.0) as url:
        settings = replace(site.desk.settings, halfin_base_url=url, halfin_api_key=KEY)
        assert pay_window(settings, WINDOW).state == "accepted"
        ana.goto(WEEK)
        expect(ana.get_by_role("heading", name="Batch 1 is accepted")).to_be_visible()
        expect(ana.get_by_text("Outcomes are coming in")).to_be_visible()
        failed = tell_failure(site)
        # Without any input the page reloads itself.
        expect(ana.get_by_role("cell", name="The network dropped it")).to_be_visible()
        expect(ana.get_by_role("heading", name="Failed", exact=True)).to_be_visible()
        expect(ana.get_by_role("link", name=failed).first).to_be_visible()
        picture(ana, "desk-batch")
        assert_accessible(ana)
        assert reconcile(settings) >= 0  # the rail, asked, has not failed it: nothing came back
    expect(ana.get_by_role("cell", name="asked again first")).to_be_visible()


@pytest.mark.many("another payout in a browser: make test has one, and another run by its verbs")
def test_who_is_released_after_the_payout_is_paid_in_a_second_run(browser: Browser) -> None:
    with desk_site() as site, rail(auto_approve=False) as url:
        settings = replace(site.desk.settings, halfin_base_url=url, halfin_api_key=KEY)
        held, *_ = ready_sellers(site.desk)
        site.desk.done(FINANCE, "hold", held, "--note", "a question")
        site.desk.approve(SECOND)
        assert pay_window(settings, WINDOW).name == WINDOW

        ana, ben = log_in(browser, site, FINANCE), log_in(browser, site, SECOND)
        ana.goto(f"{WEEK}?still=1")
        expect(ana.get_by_role("heading", name="What blocks")).to_have_count(0)
        site.desk.done(FINANCE, "release", WINDOW, held, "--note", "they called back")
        ana.goto(f"{WEEK}?still=1")
        expect(ana.get_by_role("heading", name=f"{WINDOW} run 2 stored")).to_be_visible()
        expect(ana.get_by_role("heading", name="What blocks run 2")).to_be_visible()
        assert_accessible(ana)

        ben.goto(f"{WEEK}?still=1")
        ben.get_by_role("link", name="Approve").click()
        expect(ben.get_by_role("heading", name=f"Approve run 2 of {WINDOW}")).to_be_visible()
        assert_accessible(ben)
        ben.get_by_role("button", name="Approve").click()
        expect(ben.get_by_role("status")).to_contain_text(f"{SECOND} approved run 2 of {WINDOW}")

        result = pay_window(settings, WINDOW)
        assert (result.name, result.state) == (f"run 2 of {WINDOW}", "accepted")
        ana.goto(f"{WEEK}?still=1")
        expect(ana.get_by_role("heading", name="Batch 2 of run 2 is accepted")).to_be_visible()
        expect(ana.get_by_role("heading", name="Runs", exact=True)).to_be_visible()
        expect(ana.get_by_role("heading", name="What blocks")).to_have_count(0)
        assert_accessible(ana)


def amount(text: str) -> Decimal:
    return Decimal(text.split()[1].replace(",", ""))


def tell_failure(site: DeskSite) -> str:
    """The rail's webhook about one line, to the receiver beside the console; returns its seller."""
    query = (
        "select *, (amount_minor / 100.0)::numeric(30, 6)::text as amount"
        " from finance.payout_lines order by line_id limit 1"
    )
    [line] = site.desk.rows(Component.ORCHESTRATOR, query)
    data = {
        "id": line["payout_id"],
        "status": "failed",
        "currency": line["rail_currency"],
        "amount": line["amount"],
        "destination": line["wallet_address"],
        "environment": "test",
        "failure_reason": "The network dropped it",
        "metadata": {"line_id": line["line_id"]},
    }
    body = json.dumps({"event": "payout.failed", "data": data}).encode()
    headers = {SIGNATURE_HEADER: sign(SIGNING, int(time.time()), body)}
    answer = httpx.post(
        f"{site.url}/webhooks/halfin", content=body, headers=headers, trust_env=False
    )
    assert answer.status_code == 204
    return str(line["seller_id"])
