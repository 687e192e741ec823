"""What is told: once, to whoever takes it, and never at the expense of a payout."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from orchestrator.settlement import alerts
from orchestrator.settlement.reconcile import reconcile
from tests.events.receiver import dripping
from tests.functions.market import DUE, WINDOW, Market, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due
from tests.halfin.sandbox import http_server

HOUR = timedelta(hours=1)


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def test_what_waits_too_long_is_told_once(market: Market) -> None:
    with rail(auto_approve=False) as url:
        market.pay(url)
        market.at(DUE + 4 * HOUR)
        reconcile(market.at_rail(url))
        assert market.kinds("alerts") == []
        market.at(DUE + 4 * HOUR + timedelta(seconds=1))
        reconcile(market.at_rail(url))
        reconcile(market.at_rail(url))
        assert market.rows("dora", "select kind, message from finance.alerts") == [
            {
                "kind": "pending_approval",
                "message": "3 lines of 2026-W47 have waited for more than 4 hours for somebody to"
                " approve them on halfin's dashboard",
            }
        ]
        market.rows(OWNER, "update finance.payout_lines set rail_status = 'processing'")
        market.at(DUE + timedelta(days=1, seconds=1))
        market.value(ORCHESTRATOR, "select finance.compare_books()")
    assert market.kinds("alerts") == ["pending_approval", "stuck"]


def test_two_that_compare_at_once_tell_a_thing_once(market: Market) -> None:
    """A payout compares too, beside the reconciliation of the hour."""
    with rail(auto_approve=False) as url:
        market.pay(url)
        market.at(DUE + timedelta(days=2))
    with (
        market.connect(ORCHESTRATOR, autocommit=False) as first,
        ThreadPoolExecutor(1) as pool,
    ):
        first.execute("select finance.compare_books()")
        second = pool.submit(market.value, ORCHESTRATOR, "select finance.compare_books()")
        time.sleep(0.2)
        first.commit()
        assert second.result() == 0
    assert market.kinds("alerts") == ["pending_approval"]


def test_alerts_are_posted_until_they_are_taken(market: Market) -> None:
    taken: list[dict[str, Any]] = []
    answers = iter([500, 204, 204])

    def answer(request: Request, body: bytes) -> Response:
        status = next(answers)
        if status == 204:
            taken.append(json.loads(body))
        return Response(status_code=status)

    for n in (1, 2):
        market.value(ORCHESTRATOR, "select finance.raise_alert('test', %s, 'look')", str(n))
    with rail() as url, http_server(answer) as receiver:
        settings = replace(market.at_rail(url), alert_url=f"{receiver}/hook")
        reconcile(settings)
        assert taken == []
        reconcile(settings)
        reconcile(settings)
    assert [(a["kind"], a["subject"], a["text"]) for a in taken] == [
        ("test", "1", "look"),
        ("test", "2", "look"),
    ]
    assert taken[0]["raised_at"] == DUE.isoformat()


def test_a_receiver_of_alerts_that_never_ends_holds_up_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sent a byte now and then: the payout's run never ended, and all others waited for it."""
    monkeypatch.setattr(alerts, "TIMEOUT_S", 0.3)
    for n in (1, 2):
        market.value(ORCHESTRATOR, "select finance.raise_alert('test', %s, 'look')", str(n))
    with rail() as url, dripping() as receiver:
        begun = time.monotonic()
        reconcile(replace(market.at_rail(url), alert_url=receiver))
        assert time.monotonic() - begun < 3
    assert len(market.rows(ORCHESTRATOR, "select * from finance.unposted_alerts()")) == 2


def test_a_stored_close_that_the_facts_contradict_is_told_once(market: Market) -> None:
    market.rows(
        OWNER,
        "insert into handover.contradictions values (%s, 's1', 12345, 12000)",
        WINDOW,
    )
    for _ in range(2):
        market.rows(ORCHESTRATOR, "select finance.alert_contradictions()")
    assert market.rows("dora", "select kind, subject, message from finance.alerts") == [
        {
            "kind": "contradicted_close",
            "subject": "2026-W47/s1/-345",
            "message": "the close of 2026-W47 has 123.45 for seller s1, the facts now say 120.00:"
            " the stored row stands; correct it with an adjustment",
        }
    ]


def test_an_alert_that_is_refused_keeps_none_back(market: Market) -> None:
    taken: list[str] = []

    def answer(request: Request, body: bytes) -> Response:
        subject = json.loads(body)["subject"]
        taken.append(subject)
        return Response(status_code=422 if subject == "1" else 204)

    for n in (1, 2):
        market.value(ORCHESTRATOR, "select finance.raise_alert('test', %s, 'look')", str(n))
    with rail() as url, http_server(answer) as receiver:
        settings = replace(market.at_rail(url), alert_url=f"{receiver}/hook")
        for _ in range(2):
            reconcile(settings)
    assert taken == ["1", "2", "1"]  # the second arrived, the first is tried again
