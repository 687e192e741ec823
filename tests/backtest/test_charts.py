"""Where a chart's axes begin and end."""

from decimal import Decimal

import pytest

from orchestrator.backtest.charts import Chart, Line, chart


def labels(*values: str, from_zero: bool = True) -> list[str]:
    """The ticks of the y axis over these values."""
    drawn = drawn_with(Line("a", [(1, Decimal(value)) for value in values]), from_zero=from_zero)
    return [label for _, label in drawn.y_ticks]


def drawn_with(*lines: Line, from_zero: bool = True) -> Chart:
    return chart("title", "x", "y", lines, from_zero=from_zero)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        (("0",), ["0", "0.25", "0.5", "0.75", "1"]),
        (("1", "36470.91"), ["0", "10k", "20k", "30k", "40k"]),
        (("-500", "1200"), ["-500", "0", "500", "1k", "1.5k"]),
    ],
)
def test_axes_begin_at_zero(values: tuple[str, ...], ticks: list[str]) -> None:
    assert labels(*values) == ticks


def test_points_of_a_frontier_fill_their_chart() -> None:
    found = labels("5800000", "8720000", from_zero=False)
    assert found == ["5M", "6M", "7M", "8M", "9M"]
    assert labels("7", "7", from_zero=False)[0] == "0"


def test_a_line_without_points_is_not_in_the_legend_and_takes_no_colour() -> None:
    shown = drawn_with(Line("others", [], is_faint=True), Line("frontier", [(1, 2)], ["1"]))
    [series] = shown.series
    assert series.name == "frontier"
    assert [label for _, _, label in series.points] == ["1"]
