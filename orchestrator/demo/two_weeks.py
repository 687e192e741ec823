"""What the demo's weeks would have been with two weeks of reserve."""

from orchestrator.backtest.backtest import backtest
from orchestrator.backtest.live_policy import live_policy
from orchestrator.backtest.page import page
from orchestrator.backtest.policy_file import read_policy
from orchestrator.config import Settings

POLICY = """# What is tried; settle backtest --show prints all that risk can decide.
policy: two weeks
reserve_policies:
  - {policy: standard, reserve_days: 14, holdback_percent: 0, holdback_days: 0}
"""
VERDICT = (
    "With two weeks of reserve from {first} to {last}, losses to disputes would have been"
    " {losses[tried]:,} {currency} instead of {losses[against]:,}. Sellers would have waited for"
    " {kept[tried]:,} {currency} times days instead of {kept[against]:,}. Charts, and what these"
    " figures do not tell: {charts}"
)


def try_two_weeks(settings: Settings) -> str:
    """Try it against the live policy: what came of it, in words, and the file with the charts.

    The policy is a file of the home, to change and try again.
    """
    file, charts = settings.home / "two-weeks.yml", settings.home / "two-weeks.html"
    if not file.exists():
        file.write_text(POLICY, encoding="utf-8")
    live = live_policy(settings)
    report = backtest(settings, read_policy(file, live), live)
    charts.write_text(page(report), encoding="utf-8")
    totals = {row["measure"]: row for row in report.totals}
    return VERDICT.format(
        first=report.first,
        last=report.last,
        currency=report.currency,
        losses=totals["losses"],
        kept=totals["kept_money_days"],
        charts=charts,
    )
