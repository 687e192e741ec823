"""Four thousand lines and ten times that: what a batch costs, and three times each webhook."""

import multiprocessing
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.halfin.signature import SIGNATURE_HEADER, sign
from orchestrator.services.processes import service
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from tests.functions import many_lines
from tests.functions.attempts import Try, refusal, verdict
from tests.functions.market import WINDOW, Market, books, eventually, rail
from tests.functions.payment_server import OWNER
from tests.halfin.sandbox import SIGNING, http_server

LINES, FAILURE_RATE, DELIVERIES = 4000, 0.03, 3
LOOKED_UP = """
select idx_scan from pg_stat_user_indexes where indexrelname = 'payout_lines_key'
"""

# A process of its own, so that its memory is that of `settle pay` and of nothing else.
PROCESSES = multiprocessing.get_context("spawn")


def _pay(settings: Settings, report: "multiprocessing.Queue[tuple[float, int, int]]") -> None:
    with connect(settings, Component.ORCHESTRATOR) as database:
        database.execute("select 1")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew from what is held now
    before = _peak()
    begun = time.monotonic()
    pay_window(settings, WINDOW)
    seconds = time.monotonic() - begun
    report.put((seconds, before, _peak()))


def _peak() -> int:
    """The most memory this process has held, in bytes."""
    [line] = [x for x in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in x]
    return int(line.split()[1]) * 1024


def paid(count: int, lines_per_call: int | None = None) -> tuple[float, int, int]:
    """Seconds to freeze and submit, bytes held at the peak above the start, bytes of all bodies."""
    funds = Decimal(10_000) * count  # of each currency, more than the lines come to
    with (
        Market.open(is_fresh=True) as market,
        rail(auto_approve=False, opening_balance=funds) as url,
    ):
        many_lines.approved(market, count)
        report: multiprocessing.Queue[tuple[float, int, int]] = PROCESSES.Queue()
        settings = replace(market.at_rail(url), halfin_max_lines_per_call=lines_per_call)
        process = PROCESSES.Process(target=_pay, args=[settings, report])
        process.start()
        seconds, before, peak = report.get(timeout=300 + count / 100)
        process.join(60)
        assert books(url)["payouts"] == count
        body = market.value("dora", "select sum(length(body)) from finance.payout_calls")
    return seconds, peak - before, int(body)


@pytest.mark.many("some seconds, and about speed: what is paid and kept others ask")
def test_ten_times_the_lines_take_about_ten_times_as_long() -> None:
    """The small form of the next test; of so few lines memory says nothing."""
    small = sorted(paid(LINES // 10)[0] for _ in range(3))[1]
    large, _, _ = paid(LINES)
    assert large <= 20 * small


def test_an_answer_finds_each_line_by_its_key_where_statistics_know_the_batch_before_alone() -> (
    None
):
    count = LINES // 10
    with Market.open(is_fresh=True) as market, rail(auto_approve=False) as url:
        many_lines.approved(market, count)
        market.ledgers_read()
        market.freeze()
        assert verdict(market, Try(400, refusal())) == "rejected"
        market.rows(OWNER, "analyze finance.payout_lines")
        market.approve("ana", "ben")
        before = market.value(OWNER, LOOKED_UP)
        assert pay_window(market.at_rail(url), WINDOW).state == "accepted"
        # Else each payout of the answer was compared with each line of its call.
        assert market.value(OWNER, LOOKED_UP) - before >= count


@pytest.mark.nightly("40,000 lines take a minute: make test compares 4,000 with 400 above")
def test_ten_times_the_lines_cost_about_ten_times_as_much() -> None:
    small = sorted(paid(LINES)[0] for _ in range(3))[1]
    large, memory, body = paid(10 * LINES)
    print(f"{LINES} lines: {small:.2f} s; {10 * LINES}: {large:.2f} s; {memory / body:.1f} bodies")
    # Ten is linear and a hundred quadratic; a busy machine shifts it by a few.
    assert large <= 20 * small
    assert memory <= 4 * body


@pytest.mark.nightly("12,000 webhooks")
def test_four_thousand_webhooks_three_times_in_random_order(tmp_path: Path) -> None:
    told: list[bytes] = []

    def keep(request: Request, body: bytes) -> Response:
        told.append(body)
        return Response(status_code=204)

    with Market.open(is_fresh=True) as market, http_server(keep) as hook:
        many_lines.approved(market, LINES)
        with (
            service(["serve", "--port", "0"], market.environment(), tmp_path / "log") as receiver,
            rail(webhook_url=hook, failure_rate=FAILURE_RATE) as url,
        ):
            pay_window(market.at_rail(url), WINDOW)
            eventually(lambda: len(told) == LINES)
            many = told * DELIVERIES
            random.Random(1).shuffle(many)  # noqa: S311 - an order, no secret

            def deliver(bodies: list[bytes]) -> set[int]:
                with httpx.Client(trust_env=False, timeout=60) as http:
                    return {
                        http.post(
                            receiver,
                            content=body,
                            headers={SIGNATURE_HEADER: sign(SIGNING, int(time.time()), body)},
                        ).status_code
                        for body in bodies
                    }

            with ThreadPoolExecutor(8) as pool:
                answers = set.union(*pool.map(deliver, [many[n::8] for n in range(8)]))
            assert answers == {204}
            by_status = books(url)["by_status"]
            assert by_status.keys() == {"completed", "failed"}
            states = "select state, count(*) as n from finance.payout_lines group by state"
            assert {row["state"]: row["n"] for row in market.rows("dora", states)} == by_status
            assert market.value("dora", "select count(*) from halfin.webhook_events") == LINES
            assert reconcile(market.at_rail(url)) == by_status["failed"]
            assert market.kinds("breaks") == market.kinds("alerts") == []
        # Each seller has at the rail, or back in the balance, exactly what was due.
        wrong = market.value(
            OWNER,
            "select count(*) from finance.payout_lines as l left join lateral ("
            " select -sum(e.amount) as paid from halfin.ledger_entries as e"
            " where e.payout_id = l.payout_id and e.entry_type = 'payout') as g on true"
            " where case when l.state = 'completed' then g.paid is distinct from"
            " l.amount_minor / 100.0 else g.paid is not null or l.returned_at is null end",
        )
        assert wrong == 0
