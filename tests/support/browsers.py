"""A real browser for the tests that look at pages, and what makes a page hard to use."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

CHROMIUM = "chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 60_000


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; where it is missing the test is skipped, and fails in CI."""
    found = shutil.which(CHROMIUM)
    if not found:
        reason = f"no {CHROMIUM} on this machine: no page was looked at (apt-get install it)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


def picture(of: Page | Locator, name: str) -> None:
    """With SETTLE_PICTURES=DIR it leaves a screenshot there, as docs/images has them."""
    folder = os.environ.get("SETTLE_PICTURES")
    if folder:
        of.screenshot(path=Path(folder) / f"{name}.png")


def assert_accessible(page: Page) -> None:
    """axe-core finds nothing serious on the page as it is shown."""
    found = Axe().run(page).response["violations"]
    serious = [
        f"{v['id']} ({v['impact']}): {[node['html'][:120] for node in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert serious == []
    # Nothing stands outside of the screen, whatever its size.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
