"""Two thousand webhooks at once while a close and a pay run: nothing is lost, and it stays small.

The long version, 40,000 and then five minutes, is tests/performance/load/webhooks.py.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orchestrator.services.processes import settle_process
from orchestrator.settlement.pay import pay_window
from tests.e2e import webhook_load
from tests.functions import many_lines
from tests.functions.market import WINDOW, Line, Market, rail

EVENTS = 2000
MOST_GROWTH_MB = 40.0


def test_a_burst_of_webhooks_beside_a_close_and_a_pay_loses_nothing(tmp_path: Path) -> None:
    serve = ["serve", "--port", "0"]
    with Market.open(is_fresh=True) as market, rail(auto_approve=False) as url:
        many_lines.approved(market, EVENTS)
        pay_window(market.at_rail(url), WINDOW)
        bodies = webhook_load.completed(market)
        environment = market.environment(SETTLE_NOW="")
        with settle_process(serve, environment, tmp_path / "log") as (receiver, webhooks):
            warm = webhook_load.send(webhooks, list(webhook_load.tests(100)))
            with ThreadPoolExecutor(1) as beside, webhook_load.memory_of(receiver.pid) as memory:
                lines = [Line(f"n{n}", 10_000 + n, "SPL") for n in range(20)]
                running = beside.submit(webhook_load.next_week, market, url, lines)
                burst = webhook_load.send(webhooks, bodies)
                running.result()
        acknowledged = len(warm.milliseconds) + len(burst.milliseconds)
        assert webhook_load.lost(market, acknowledged, EVENTS + 100) == []
        assert max(memory) - memory[0] < MOST_GROWTH_MB
