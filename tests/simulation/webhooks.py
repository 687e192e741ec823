"""What the rail tells by itself: late, twice, never, in any order; and what only looks like it."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestrator.config import Component
from orchestrator.halfin.signature import sign
from orchestrator.web.event_inserts import INSERT
from tests.halfin.sandbox import SIGNING
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def deliver(sim: Simulation) -> str:
    """Some of the webhooks under way, in any order; some are lost, some come twice."""
    luck, sent = sim.luck("webhooks arrive"), 0
    luck.shuffle(sim.rail.waiting)
    count = luck.randint(0, len(sim.rail.waiting))
    for _ in range(count):
        event = sim.rail.waiting.pop()
        if luck.random() < 0.15:
            continue
        _expect_of(sim, event)
        for _ in range(2 if luck.random() < 0.2 else 1):
            land_webhook(sim, event)
            sent += 1
    return f"{sent} of {count} webhooks"


def land_webhook(sim: Simulation, event: dict[str, Any]) -> None:
    body = json.dumps(event).encode()
    signature = sign(SIGNING, int(sim.now.timestamp()), body)
    insert = re.sub(r"\$\d", "%s", INSERT.decode())
    sim.office.ask(Component.WEBHOOK.value, f"{insert} returning 1", signature, body)


def _expect_of(sim: Simulation, event: dict[str, Any]) -> None:
    """A payout that completes after we heard of its failure needs a person."""
    if event["event"] == "payout.completed":
        for (line_id,) in sim.rows(
            "select line_id from finance.payout_lines where payout_id = %s and state = 'failed'",
            event["data"]["id"],
        ):
            sim.expected_alerts.add(("completed_after_failed", line_id))


def tampered(sim: Simulation) -> str:
    """A signed webhook about one of our payouts that says something else than we asked for."""
    known = [p for p in sim.rail.book.in_order if p["status"] in ("pending_approval", "processing")]
    if not known:
        return "there is nothing to lie about"
    luck = sim.luck("a lying webhook")
    payout = dict(luck.choice(known), status="completed")
    lie: dict[str, str] = luck.choice(
        (
            {"amount": f"{Decimal(payout['amount']) + 1:.6f}"},
            {"destination": payout["destination"][::-1]},
            {"environment": "live"},
            {"currency": "USDT_NONE"},
            {"id": "00000000-0000-4000-8000-000000000000", "metadata": ""},
        )
    )
    # Another payout with the same amount: only its id and key tell them apart.
    data = payout | lie | ({"idempotency_key": None} if "id" in lie else {})
    before = sim.rows("select line_id, state from finance.payout_lines order by line_id")
    at = sim.rail_time()
    land_webhook(sim, {"event": "payout.completed", "created_at": at, "data": data})
    after = sim.rows("select line_id, state from finance.payout_lines order by line_id")
    if before != after:
        raise Violation("webhooks", f"{lie} moved a line: {set(after) - set(before)}")
    # After a restore its line may be forgotten, and another have its key.
    line_id = (payout["metadata"] or {}).get("line_id", "")
    ours = sim.rows(
        "select line_id from finance.payout_lines where line_id = %s or idempotency_key = %s"
        " and coalesce(payout_id, %s) = %s"
        " order by line_id <> %s, state = 'rejected', batch_id desc",
        *(line_id, data["idempotency_key"], payout["id"], payout["id"], line_id),
    )
    subject = ours[0][0] if ours and "id" not in lie else data["id"]
    sim.expected_alerts.add(("break", subject))
    return f"{lie}"
