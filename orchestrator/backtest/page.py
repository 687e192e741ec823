"""A report as people look at it: its charts, and one HTML file with all of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestrator.backtest.charts import Chart, Line, chart
from orchestrator.backtest.report import GRID_MEASURES, WEEK_MEASURES, GridReport, Report
from orchestrator.formatting.cells import cell

TEMPLATES = Path(__file__).parent / "templates"


def page(report: Report | GridReport) -> str:
    """A file that needs nothing beside it, and prints."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = cell
    return environment.get_template("page.html").render(shown(report))


def shown(report: Report | GridReport) -> Mapping[str, Any]:
    """What the template report.html shows, in the file and on the console."""
    if isinstance(report, GridReport):
        return {
            "report": report,
            "title": f"{report.tried}: {' and '.join(report.axes)}",
            "measures": GRID_MEASURES,
            "charts": [_frontier(report.policies), _delays(report)],
        }
    names = _names(report)
    return {
        "report": report,
        "title": " against ".join(names),
        "names": names,
        "weekly": WEEK_MEASURES,
        "charts": _charts(report, names),
    }


def _names(report: Report) -> list[str]:
    return [report.tried, *([report.against] if report.against else [])]


def _frontier(policies: Sequence[Mapping[str, Any]]) -> Chart:
    """Each policy a point, numbered as in the table; those joined are not beaten by another."""

    def points(*, is_on_frontier: bool) -> dict[str, tuple[Any, Any]]:
        return {
            str(number): (row["kept_money_days"], row["losses"])
            for number, row in enumerate(policies, 1)
            if row["is_on_frontier"] is is_on_frontier
        }

    beaten, best = points(is_on_frontier=False), points(is_on_frontier=True)
    frontier = "frontier: no other loses less without keeping more"
    return chart(
        "Losses against money kept, and the frontier",
        "money kept from sellers, times days",
        "losses",
        [
            Line("others", [*beaten.values()], [*beaten], is_joined=False, is_faint=True),
            Line(frontier, [*best.values()], [*best]),
        ],
        from_zero=False,
    )


def _delays(report: Report | GridReport) -> Chart:
    known = [(row["delay_weeks"], row["known_share"]) for row in report.delays]
    return chart(
        "How long disputes take",
        "weeks after the order",
        "share of all disputes that is known",
        [Line("known", known)],
    )


def _charts(report: Report, names: Sequence[str]) -> list[Chart]:
    totals = {row["measure"]: row for row in report.totals}
    weeks = {name: [w for w in report.weeks if w["policy"] == name] for name in names}
    windows = [week["payout_window"] for week in weeks[report.tried]]
    young = windows.index(report.immature[0]) if report.immature else None
    return [
        chart(
            "Losses against money kept",
            "money kept from sellers, times days",
            "losses",
            [
                Line(name, [(totals["kept_money_days"][side], totals["losses"][side])])
                for name, side in zip(names, ("tried", "against"), strict=False)
            ],
        ),
        _over_weeks("Losses so far", "losses_so_far", weeks, windows, young),
        _over_weeks("Money held beyond its release", "held_money_days", weeks, windows, young),
        _delays(report),
    ]


def _over_weeks(
    title: str,
    column: str,
    weeks: dict[str, list[dict[str, Any]]],
    windows: Sequence[str],
    young: int | None,
) -> Chart:
    lines = [
        Line(name, [(number, week[column]) for number, week in enumerate(found)])
        for name, found in weeks.items()
    ]
    return chart(title, "window", title.lower(), lines, x_labels=windows, shaded_from=young)
