"""The picture of a backtest: half a year of a generated marketplace, two weeks of reserve."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import sync_playwright

from orchestrator.demo.two_weeks import POLICY

MARKET = ("--sellers", "300", "--weeks", "26", "--bad-actors", "0.02")


def take(picture: Path) -> None:
    """The page, its weeks closed. Raises CalledProcessError where a command fails."""
    with TemporaryDirectory() as folder:
        home, policy, page = (Path(folder) / name for name in ("home", "tried.yml", "page.html"))
        policy.write_text(POLICY, encoding="utf-8")
        try:
            _settle(home, "generate", *MARKET)
            _settle(home, "close")
            _settle(home, "backtest", "--policy", str(policy), "--html", str(page))
        finally:
            _settle(home, "db", "stop")
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=flags)
            shown = browser.new_page(viewport={"width": 1080, "height": 900})
            shown.goto(page.as_uri())
            shown.evaluate("document.querySelectorAll('details').forEach(it => it.open = false)")
            shown.locator("body").screenshot(path=picture)
            browser.close()


def _settle(home: Path, *arguments: str) -> None:
    environment = {**os.environ, "SETTLE_HOME": str(home)}
    command = [sys.executable, "-m", "orchestrator", *arguments]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
