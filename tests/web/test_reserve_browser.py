"""Risk puts sellers under reserve policies, in a real browser: at a desk and on a phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from orchestrator.config import Component
from tests.support.browsers import assert_accessible, chromium, picture
from tests.support.closed_week import FINANCE, SECOND, WINDOW
from tests.web.desk_site import DeskSite, desk_site
from tests.web.test_desk_browser import CUT_OFF, DESKTOP, PHONE, log_in

PAGE = "/desk/reserve-policies"
WHO = (
    "select seller_id, policy, assigned_by, approved_by from finance.reserve_assignments"
    " order by assignment_id"
)


@pytest.fixture(scope="module")
def site() -> Iterator[DeskSite]:
    with desk_site() as site:
        yield site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def test_a_seller_is_assigned_on_their_page_and_approved_beside_their_history(
    site: DeskSite, browser: Browser
) -> None:
    [row] = site.desk.rows(
        Component.ORCHESTRATOR,
        "select r.seller_id, h.health_score::text as score from finance.window_close_rows as r"
        " inner join finance.window_close_health as h"
        " on r.seller_id = h.seller_id and r.payout_window = h.payout_window"
        " where r.payout_window = %s order by r.net_minor desc limit 1",
        WINDOW,
    )
    seller = row["seller_id"]
    ana, ben = log_in(browser, site, FINANCE), log_in(browser, site, SECOND)
    ana.goto(f"/desk/sellers/{seller}")
    ana.get_by_label("Policy", exact=True).select_option("elevated")
    ana.get_by_label("Why the seller's orders are put under it").fill("chargebacks doubled")
    policy = ana.get_by_role("region", name="Reserve policy")
    policy.get_by_role("button", name="Propose").click()
    expect(ana.get_by_role("status")).to_contain_text(f"of {seller} to elevated waits")
    expect(policy.get_by_role("cell", name="chargebacks doubled")).to_be_visible()

    ben.goto(PAGE)
    expect(ben.get_by_role("heading", name=f"{seller} waits for elevated")).to_be_visible()
    waits = ben.get_by_role("row").filter(has_text=seller)
    expect(waits).to_contain_text(row["score"])
    expect(waits).to_contain_text(WINDOW)
    ben.get_by_role("button", name="Approve").click()
    expect(ben.get_by_role("status")).to_contain_text(f"orders of {seller} are under elevated")
    current = ben.get_by_role("region", name="Under another policy than standard")
    expect(current.get_by_role("row").filter(has_text=seller)).to_contain_text(
        f"{FINANCE}, {SECOND}: chargebacks doubled"
    )

    others = [
        name for name in ("seller-000001", "seller-000002", "seller-000003") if name != seller
    ]
    ana.goto(PAGE)
    ana.get_by_label("Sellers and policies").fill(
        "\n".join(["seller_id,policy", *(f"{name},elevated" for name in others)])
    )
    ana.locator("#file-note").fill("looked at all of them")
    ana.get_by_role("button", name="Propose").last.click()
    expect(ana.get_by_role("status")).to_contain_text("waits")
    ben.goto(PAGE)
    for size in (DESKTOP, PHONE):
        ben.set_viewport_size({"width": size["width"], "height": size["height"]})
        ben.get_by_text("Its sellers").click()
        assert_accessible(ben)
        assert ben.evaluate(CUT_OFF) == []
        picture(ben, "desk-reserve" if size is DESKTOP else "desk-reserve-phone")
        ben.goto(PAGE)
    ben.get_by_role("button", name="Approve all of it").click()
    expect(ben.get_by_role("status")).to_contain_text(f"({len(others)} waited)")
    for name in (seller, *others):
        expect(current.get_by_role("row").filter(has_text=name)).to_have_count(1)
    assert [tuple(found.values()) for found in site.desk.rows(Component.ORCHESTRATOR, WHO)] == [
        (name, "elevated", FINANCE, SECOND) for name in (seller, *others)
    ]
