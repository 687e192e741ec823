"""Webhook delivery: signed, tried again, lost or sent twice where the configuration says so."""

import asyncio
import ssl
import time
from collections.abc import Coroutine
from typing import Any

import httpx

from orchestrator.sandbox.book import Book
from orchestrator.sandbox.config import SandboxConfig, chance
from orchestrator.sandbox.payouts import Json
from orchestrator.signature import EVENT_HEADER, SIGNATURE_HEADER, sign

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
        tls = httpx.create_ssl_context()
        return [self._deliver(tls) for _ in range(self.config.webhook_concurrency)]

    def resume(self) -> None:
        """Send what a restart left undelivered."""
        for delivery in self.book.deliveries:
            self._send_later(delivery, 0)

    def announce(self, webhook: Json) -> None:
        """Put a new webhook in the books and on its way."""
        if not self.config.webhook_url:
            return
        for _ in range(2 if self.config.duplicate_webhooks else 1):
            self._announce(dict(webhook))

    def _announce(self, delivery: Json) -> None:
        key = (delivery["event"], delivery["payout_id"])
        if chance(self.config.seed, "lost", *key) < self.config.drop_webhook_rate:
            delivery["state"] = "dropped"
        self.book.deliveries.append(delivery)
        self._send_later(delivery, self.config.webhook_delay_s)

    def _send_later(self, delivery: Json, delay_s: float) -> None:
        if delivery["state"] == "pending" and self.config.webhook_url:
            asyncio.get_running_loop().call_later(delay_s, self._outbox.put_nowait, delivery)

    async def _deliver(self, tls: ssl.SSLContext) -> None:
        # A client for each worker: one shared pool spends most of its time on looking after itself.
        async with httpx.AsyncClient(
            verify=tls, timeout=WEBHOOK_TIMEOUT_S, trust_env=False
        ) as http:
            while True:
                delivery = await self._outbox.get()
                delivery["attempts"] += 1
                if await self._is_received(http, delivery):
                    delivery["state"] = "acknowledged"
                elif delivery["attempts"] >= self.config.webhook_attempts:
                    delivery["state"] = "given_up"
                else:
                    delay_s = self.config.webhook_base_delay_s * 2 ** (delivery["attempts"] - 1)
                    self._send_later(delivery, min(delay_s, WEBHOOK_MAX_DELAY_S))

    async def _is_received(self, http: httpx.AsyncClient, delivery: Json) -> bool:
        body = self.book.webhook_body(delivery)
        headers = {
            "Content-Type": "application/json",
            EVENT_HEADER: delivery["event"],
            SIGNATURE_HEADER: sign(self.config.webhook_secret, int(time.time()), body),
        }
        try:
            answer = await http.post(self.config.webhook_url or "", content=body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            delivery["answer"] = type(error).__name__
            return False
        delivery["answer"] = str(answer.status_code)
        return answer.is_success
