"""Reports of half a year, as a backtest would leave them: for tests of pages alone."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from orchestrator.backtest.report import WEEK_MEASURES, GridReport, Report, limits

FIRST_MONDAY = date(2026, 5, 4)
WINDOWS = [
    f"{year}-W{week:02}"
    for year, week, _ in ((FIRST_MONDAY + timedelta(weeks=n)).isocalendar() for n in range(26))
]
MEASURES = {
    "disputes_opened": "Disputes",
    "recovered": "  recovered from the reserve",
    "avoided": "  avoided: a hold or holdback still had the money",
    "absorbed": "  absorbed",
    "losses": "Losses: absorbed, and negative at the end",
    "kept_money_days": "Money kept from sellers: both",
    "flag_precision": "Precision: flagged rows with disputes later",
}
DELAYS = [
    {
        "delay_weeks": week,
        "dispute_count": 20,
        "known_share": Decimal(min(20 + 9 * week, 100)) / 100,
    }
    for week in range(18)
]


def two_policies() -> Report:
    """Two weeks of reserve against the live policy; the last two windows are immature."""
    weeks = [
        _week(policy, number, size) for policy, size in (("two weeks", 2), ("live", 5))
        for number in range(len(WINDOWS))
    ]  # fmt: skip
    totals = [
        {
            "measure": measure,
            "meaning": meaning,
            "tried": Decimal(f"{number}81234.50"),
            "against": Decimal(f"{number + 1}181234.50"),
            "difference": Decimal("-1100000.00"),
        }
        for number, (measure, meaning) in enumerate(MEASURES.items(), 1)
    ]
    return Report(
        tried="two weeks",
        against="live",
        first=WINDOWS[0],
        last=WINDOWS[-1],
        currency="USD",
        totals=totals,
        weeks=weeks,
        delays=DELAYS,
        limits=limits(weeks),
    )


def grid() -> GridReport:
    """Three reserves by three thresholds; a longer reserve loses less, a threshold of 3 is best."""
    policies = [
        {
            "policy": f"standard.reserve_days {days}, review_dispute_rate 0.0{rate}",
            "losses": Decimal(400_000 - 20_000 * days + 9_000 * abs(rate - 3)),
            "absorbed": Decimal("81234.50"),
            "kept_money_days": Decimal(3_000_000 + 400_000 * days + 30_000 * (5 - rate)),
            "payouts_delayed": 7 * rate,
            "rows_flagged": 9 * rate,
            "flag_precision": Decimal("0.4375"),
            "flag_recall": None,
            "is_on_frontier": rate >= 3,
        }
        for days in (14, 10, 7)
        for rate in (1, 3, 5)
    ]
    return GridReport(
        tried="two weeks",
        axes=["standard.reserve_days=7,10,14", "review_dispute_rate=0.01,0.03,0.05"],
        first=WINDOWS[0],
        last=WINDOWS[-1],
        currency="USD",
        policies=policies,
        delays=DELAYS,
        limits=limits([]),
    )


def _week(policy: str, number: int, size: int) -> dict[str, Any]:
    return {
        **{measure: Decimal(f"{number * size}234.56") for measure in WEEK_MEASURES},
        "policy": policy,
        "payout_window": WINDOWS[number],
        "losses_so_far": Decimal(number * number * size * 100),
        "held_money_days": Decimal(90_000 + 7_000 * (number % 5) // size),
        "known_share": Decimal("0.9125"),
        "is_mature": number < len(WINDOWS) - 2,
    }
