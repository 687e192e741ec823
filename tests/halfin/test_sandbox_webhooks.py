"""The webhooks that the sandbox sends."""

import json
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from orchestrator.halfin import BATCH_PATH
from orchestrator.halfin.signature import verify
from tests.halfin.sandbox import SIGNING, ask, batch, http_server, lines, post, rail, until


def test_webhooks_arrive_signed_also_when_the_receiver_was_away() -> None:
    seen: list[tuple[str, dict[str, Any]]] = []

    def receive(request: Request, body: bytes) -> Response:
        headers = request.headers
        assert verify(headers["X-Halfin-Signature"], body, [SIGNING], int(time.time()))
        seen.append((headers["X-Halfin-Event"], json.loads(body)))
        return Response(status_code=503 if len(seen) <= 4 else 204)

    with (
        http_server(receive) as hook,
        rail(webhook_url=f"{hook}/hook", failure_rate=0.5, duplicate_webhooks=True) as client,
    ):
        batch_id = post(client, batch(*lines(12))).data["id"]
        until(lambda: ask(client, "/sandbox/state").json()["webhooks"]["acknowledged"] == 24)
        state = ask(client, "/sandbox/state").json()
        assert (state["webhooks"]["sent"], len(seen)) == (28, 28)
        payouts = {p["id"]: p for p in client.get(BATCH_PATH, batch_id).data["payouts"]}
        assert {p["status"] for p in payouts.values()} == {"completed", "failed"}
        for name, event in seen:
            data, payout = event["data"], payouts[event["data"]["id"]]
            assert name == event["event"] == f"payout.{payout['status']}"
            assert payout.items() <= data.items()
            assert data["metadata"] == {"line_id": payout["idempotency_key"]}
            assert ("failure_code" in data) is (payout["status"] == "failed")
        assert "payout.failed" in ask(client, "/").text
