"""What the rail says of one line: in a webhook, in its answer to our call, when asked."""

import json
from typing import Any

from tests.functions.market import LINES, Market
from tests.functions.payment_server import ORCHESTRATOR, WEBHOOK

LINE = LINES[0]
RECEIVE = (
    "insert into halfin.webhook_events (signature, body) values ('t', %s) on conflict do nothing"
)
COMPLETED = {"tx_hash": "0xfeed", "network_fee": "1.250000"}
FAILED = {"failure_code": "network_error", "failure_reason": "The network dropped it"}


def payout(market: Market, seller: str | None = None, **other: Any) -> dict[str, Any]:
    """The last line of the latest batch, or a seller's, as the rail would show it."""
    query = (
        "select * from finance.payout_lines where seller_id = coalesce(%s, seller_id)"
        " order by batch_id, seller_id"
    )
    [*_, row] = market.rows("dora", query, seller)
    return {
        "id": f"payout-{row['line_id']}",
        "status": "processing",
        "currency": row["rail_currency"],
        "amount": f"{row['amount_minor'] / 100:.6f}",
        "destination": row["wallet_address"],
        "environment": "test",
        "idempotency_key": row["idempotency_key"],
        "metadata": {"line_id": row["line_id"]},
    } | other


def receive(market: Market, event: str, **data: Any) -> None:
    """A webhook, as the receiver stores it."""
    body = {"event": event, "data": payout(market) | data}
    market.rows(WEBHOOK, RECEIVE, json.dumps(body).encode())


def answer(market: Market, *payouts: dict[str, Any], batch: int = 1) -> str:
    """The rail's answer to our call; what it says of metadata nobody promised."""
    shown = payouts or ({k: v for k, v in payout(market).items() if k != "metadata"},)
    body = json.dumps({"data": {"id": f"batch-{batch}", "payouts": shown}})
    return concluded(market, 201, body, batch=batch)["batch_state"]


def concluded(market: Market, status: int, body: str, *, batch: int = 1) -> dict[str, str]:
    """The answer to the try that is under way, or to a new one, and what it leads to."""
    number = market.value(
        ORCHESTRATOR,
        "select max(attempt) from finance.call_attempts where batch_id = %s and ended_at is null",
        batch,
    ) or market.value(ORCHESTRATOR, "select finance.begin_attempt(%s, 1)", batch)
    take = "select finance.append_response_chunk(%s, 1, %s, %s)"
    market.rows(ORCHESTRATOR, take, batch, number, body.encode())
    end = "select finance.end_attempt(%s, 1, %s, %s, true, null)"
    market.rows(ORCHESTRATOR, end, batch, number, status)
    [row] = market.rows(ORCHESTRATOR, "select * from finance.conclude_call(%s, 1)", batch)
    return row


def look_up(market: Market, status: str, confirms: str | None = None) -> int:
    shown = {k: v for k, v in payout(market, status=status).items() if k != "metadata"}
    body = json.dumps({"data": {"id": "b", "payouts": [shown | COMPLETED]}}).encode()
    query = "select finance.record_lookup(%s, %s)"
    return int(market.value(ORCHESTRATOR, query, body, confirms))


def confirm(market: Market, status: str) -> int:
    """The look-up that is made since the rail was known to contradict itself."""
    asked = market.rows(ORCHESTRATOR, "select confirms from finance.open_lookups()")
    [confirms] = [row["confirms"] for row in asked if row["confirms"]] or [None]
    return look_up(market, status, confirms)


STEPS = {
    "answer": lambda market: market.state() == ["accepted"] or answer(market),
    "completed": lambda market: receive(market, "payout.completed", **COMPLETED),
    "completed again": lambda market: receive(market, "payout.completed", tx_hash="0xbeef"),
    "failed": lambda market: receive(market, "payout.failed", **FAILED),
    "seen completed": lambda market: look_up(market, "completed"),
    "seen failed": lambda market: look_up(market, "failed"),
    "confirmed": lambda market: confirm(market, "failed"),
}


def take(market: Market, *steps: str) -> None:
    for step in steps:
        STEPS[step](market)
        if step != "answer":
            STEPS[step](market)  # everything comes at least once


BEGIN = "select finance.begin_attempt(%s, 1)"
