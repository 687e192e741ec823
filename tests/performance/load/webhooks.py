"""A burst of webhooks while a close and a pay run, then half of that rate for minutes.

    make load EVENTS=40000 MINUTES=5

Prints a table; fails where an acknowledged event is no row, a line has no outcome, or the receiver
holds more and more memory.
"""

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.services.processes import settle_process
from orchestrator.settlement.pay import pay_window
from tests.e2e.webhook_load import Load, completed, lost, memory_of, next_week, send, tests
from tests.functions import many_lines
from tests.functions.market import WINDOW, Line, Market, rail

WARM_UP, LINES_BESIDE = 1000, 4000
MOST_GROWTH_MB = 40.0  # of the receiver, over its start once warm, however many events came


def main(events: int, minutes: float) -> None:
    with (
        Market.open(is_fresh=True) as market,
        rail(auto_approve=False) as url,
        TemporaryDirectory() as folder,
    ):
        many_lines.approved(market, events)
        pay_window(market.at_rail(url), WINDOW)
        bodies = completed(market)
        serve, environment = ["serve", "--port", "0"], market.environment(SETTLE_NOW="")
        with settle_process(serve, environment, Path(folder) / "log") as (receiver, webhooks):
            warm = send(webhooks, list(tests(WARM_UP)))
            print(
                "| | events | seconds | a second | p99 ms | MB at first | MB at most | MB at last |"
            )
            print("|---|--:|--:|--:|--:|--:|--:|--:|")
            with ThreadPoolExecutor(1) as beside, memory_of(receiver.pid) as memory:
                lines = [Line(f"n{n:05d}", 10_000 + n, "SPL") for n in range(LINES_BESIDE)]
                running = beside.submit(next_week, market, url, lines)
                burst = send(webhooks, bodies)
                running.result()
            _print("burst", burst, memory)
            rate = burst.rate / 2
            steady = [*tests(WARM_UP + int(rate * 60 * minutes))][WARM_UP:]
            with memory_of(receiver.pid) as later:
                sustained = send(webhooks, steady, rate)
            _print("sustained", sustained, later)
        sent = WARM_UP + len(bodies) + len(steady)
        wrong = lost(market, sum(len(x.milliseconds) for x in (warm, burst, sustained)), sent)
    for seen in (memory, later):
        if max(seen) > memory[0] + MOST_GROWTH_MB:
            wrong.append(f"the receiver grew from {memory[0]:.0f} to {max(seen):.0f} MB")
    print("wrong:", wrong or "nothing")
    sys.exit(bool(wrong))


def _print(name: str, load: Load, memory: Sequence[float]) -> None:
    print(
        f"| {name} | {len(load.milliseconds)} | {load.seconds:.0f} | {load.rate:.0f} |"
        f" {load.p99:.0f} | {memory[0]:.0f} | {max(memory):.0f} | {memory[-1]:.0f} |",
        flush=True,
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
