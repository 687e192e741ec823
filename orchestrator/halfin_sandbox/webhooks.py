"""Webhook delivery: signed, tried again, and spoiled where the configuration says so."""

import asyncio
import json
import ssl
import time
from collections.abc import Coroutine, Iterable
from http import HTTPStatus
from typing import Any

from orchestrator.halfin.signature import EVENT_HEADER, SIGNATURE_HEADER, sign
from orchestrator.halfin_sandbox.book import Book
from orchestrator.halfin_sandbox.config import SandboxConfig, chance
from orchestrator.halfin_sandbox.payouts import Json, announced
from orchestrator.halfin_sandbox.posting import UNANSWERED, Poster
from orchestrator.network.addresses import authorities

WEBHOOK_TIMEOUT_S = 15.0
WEBHOOK_MAX_DELAY_S = 60.0


class Webhooks:
    """The deliveries of a book, on their way to the receiver; none without a webhook URL."""

    def __init__(self, config: SandboxConfig, book: Book) -> None:
        self.config, self.book = config, book
        self._outbox: asyncio.Queue[Json] = asyncio.Queue()

    def workers(self) -> list[Coroutine[Any, Any, None]]:
        """What has to run, until cancelled, for deliveries to be made."""
        if not self.config.webhook_url:
            return []
        tls = authorities()
        return [self._deliver(tls) for _ in range(self.config.webhook_concurrency)]

    def resume(self) -> None:
        """Send what a restart left undelivered."""
        for delivery in self.book.deliveries.values():
            self._send_later(delivery, 0)

    def announce(self, event: Json, *, is_early: bool = False) -> list[Json]:
        """Put a new webhook in the books and on its way; returns its deliveries.

        An early one is not held up by the delays of the configuration.
        """
        if not self.config.webhook_url:
            return []
        deliveries = []
        for copy in range(1 + self.config.duplicate_webhooks):
            delivery = self.book.deliver(event)
            what = (event["event"], event["payout_id"])
            if self._strikes("lost", self.config.drop_webhook_rate, *what):
                delivery["state"] = "dropped"
            if self._strikes("missigned", self.config.bad_signature_rate, *what, copy):
                delivery["is_missigned"] = True
            jitter = chance(self.config.seed, "jitter", *what, copy) * self.config.webhook_jitter_s
            delay_s = 0 if is_early else self.config.webhook_delay_s + jitter
            self._send_later(delivery, delay_s)
            deliveries.append(delivery)
        return deliveries

    async def tried(self, deliveries: Iterable[Json]) -> None:
        """Return when each of these has been answered, or refused, once."""
        for delivery in deliveries:
            while not delivery["answers"] and delivery["state"] == "pending":
                await asyncio.sleep(0.002)

    def _strikes(self, fault: str, rate: float, *what: object) -> bool:
        return chance(self.config.seed, fault, *what) < rate

    def _send_later(self, delivery: Json, delay_s: float) -> None:
        if delivery["state"] == "pending" and self.config.webhook_url:
            asyncio.get_running_loop().call_later(delay_s, self._outbox.put_nowait, delivery)

    async def _deliver(self, tls: ssl.SSLContext) -> None:
        url = self.config.webhook_url or ""
        async with Poster(url, tls, timeout_s=WEBHOOK_TIMEOUT_S) as poster:
            while True:
                delivery = await self._outbox.get()
                delivery["attempts"] += 1
                if await self._is_received(poster, delivery):
                    delivery["state"] = "acknowledged"
                elif delivery["attempts"] >= self.config.webhook_attempts:
                    delivery["state"] = "given_up"
                else:
                    delay_s = self.config.webhook_base_delay_s * 2 ** (delivery["attempts"] - 1)
                    self._send_later(delivery, min(delay_s, WEBHOOK_MAX_DELAY_S))
                self.book.delivered(delivery)

    async def _is_received(self, poster: Poster, delivery: Json) -> bool:
        body, secret = self._body(delivery), self.config.webhook_secret
        if delivery.get("is_missigned") and delivery["attempts"] == 1:
            secret = f"not {secret}"
        headers = {
            "Content-Type": "application/json",
            EVENT_HEADER: delivery["event"],
            SIGNATURE_HEADER: sign(secret, int(time.time()), body),
        }
        try:
            status = await poster.post(headers, body)
        except UNANSWERED as error:
            delivery["answers"].append(type(error).__name__)
            return False
        delivery["answers"].append(str(status))
        return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES

    def _body(self, delivery: Json) -> bytes:
        data = delivery.get("data") or self.book.payouts[delivery["payout_id"]]
        shown = {k: delivery[k] for k in ("event", "type", "created_at") if k in delivery}
        return json.dumps(shown | {"data": announced(data)}).encode()
