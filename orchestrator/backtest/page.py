"""The report of a backtest as one HTML file: figures, charts, what they do not tell."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestrator.backtest.backtest import Report
from orchestrator.backtest.charts import Chart, chart
from orchestrator.formatting.cells import cell


def page(report: Report) -> str:
    """A file that needs nothing beside it, and prints."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell
    template = environment.get_template("page.html")
    return template.render(report=report, charts=_charts(report), names=_names(report))


def _names(report: Report) -> list[str]:
    return [report.tried, *([report.against] if report.against else [])]


def _charts(report: Report) -> list[Chart]:
    totals = {row["measure"]: row for row in report.totals}
    weeks = {name: [w for w in report.weeks if w["policy"] == name] for name in _names(report)}
    windows = [week["payout_window"] for week in weeks[report.tried]]
    young = windows.index(report.immature[0]) if report.immature else None
    return [
        chart(
            "Losses against money kept",
            "money kept from sellers, times days",
            "losses",
            [
                (name, [(totals["kept_money_days"][side], totals["losses"][side])])
                for name, side in zip(_names(report), ("tried", "against"), strict=False)
            ],
        ),
        _over_weeks("Losses so far", "losses_so_far", weeks, windows, young),
        _over_weeks("Money held beyond its release", "held_money_days", weeks, windows, young),
        chart(
            "How long disputes take",
            "weeks after the order",
            "share of all disputes that is known",
            [("known", [(row["delay_weeks"], row["known_share"]) for row in report.delays])],
        ),
    ]


def _over_weeks(
    title: str,
    column: str,
    weeks: dict[str, list[dict[str, Any]]],
    windows: Sequence[str],
    young: int | None,
) -> Chart:
    lines = [
        (name, [(number, week[column]) for number, week in enumerate(found)])
        for name, found in weeks.items()
    ]
    return chart(title, "window", title.lower(), lines, x_labels=windows, shaded_from=young)
