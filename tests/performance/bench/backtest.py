"""A policy tried on years of closed weeks: seconds beyond dbt's start, and by the week."""

from collections.abc import Iterator

from orchestrator.backtest.backtest import close_instant
from orchestrator.backtest.live_policy import live_policy
from orchestrator.backtest.models import Models, compile_models
from orchestrator.backtest.run import Run
from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.performance.bench.place import Size, place, processor_seconds, seconds
from tests.performance.bench.results import Result

# Half the weeks, then all: linear means twice as much.
SIZES = {"small": Size(200, 12, 5), "medium": Size(4000, 26, 5), "full": Size(4000, 52, 5)}
GOAL_S = 60


def run(scale: str) -> Iterator[Result]:
    size = SIZES[scale]
    half = Size(size.sellers, size.weeks // 2, size.orders)
    took, used, _ = _tried(half)
    yield Result("backtest", f"one policy, {half}", took, "s")
    yield Result("backtest", "  of the server's processors", used, "s")
    whole, whole_used, start = _tried(size)
    goal = GOAL_S if scale == "full" else None
    yield Result("backtest", f"one policy, {size}", whole, "s", at_most=goal)
    yield Result(
        "backtest", "  of the server's processors", whole_used, "s", whole_used / used, "half"
    )
    yield Result("backtest", "dbt compiles its models before", start, "s")


def _tried(size: Size) -> tuple[float, float, float]:
    """Seconds and processor seconds of the live policy on all weeks, and of compiling it."""
    with place() as here:
        here.fill(size)
        here.shell().done("close")
        compiled: list[Models] = []
        policy = live_policy(here.settings)
        start = seconds(lambda: compiled.append(compile_models(here.settings, policy)))
        until = close_instant(here.settings)

        def go() -> None:
            with connect(here.settings, Component.DBT) as connection:
                Run(connection, compiled[0]).over(policy, until)

        took: list[float] = []
        used = processor_seconds(here, lambda: took.append(seconds(go)))
        return took[0], used, start
