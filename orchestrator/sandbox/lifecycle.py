"""The rail at work: payouts move on as time passes, and webhooks tell of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from starlette.applications import Starlette

from orchestrator.errors import SettleError
from orchestrator.sandbox.book import Book
from orchestrator.sandbox.config import SandboxConfig
from orchestrator.sandbox.webhooks import Webhooks


class Sandbox:
    """The rail's books, the time that passes, and the webhooks it sends."""

    def __init__(self, config: SandboxConfig) -> None:
        if config.webhook_url and not config.webhook_secret:
            raise SettleError("the sandbox cannot sign webhooks: set HALFIN_WEBHOOK_SECRET")
        if config.webhook_url and not config.webhook_url.startswith(("http://", "https://")):
            raise SettleError(f"the webhook URL {config.webhook_url!r} must start with http://")
        self.config = config
        self.book = Book(config)
        self._webhooks = Webhooks(config, self.book)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Resume what a restart interrupted, and stop cleanly at the end."""
        for worker in self._webhooks.workers():
            self._start(worker)
        self._webhooks.resume()
        self._start(self._settle(self.book.in_state("processing")))
        self.follow(self.book.in_state("pending_approval"))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.book.save()

    def follow(self, ids: list[str]) -> None:
        """Let time pass for these new payouts."""
        if self.config.auto_approve and ids:
            self._start(self._approve(ids))

    def release(self) -> int:
        """Do what the person on halfin's dashboard does; returns how many payouts moved on."""
        moved = self.book.approve(self.book.in_state("pending_approval"))
        self._start(self._settle(moved))
        return len(moved)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _approve(self, ids: list[str]) -> None:
        await asyncio.sleep(self.config.approval_delay_s)
        await self._settle(self.book.approve(ids))

    async def _settle(self, ids: list[str]) -> None:
        if not ids:
            return
        await asyncio.sleep(self.config.processing_delay_s)
        for webhook in self.book.settle(ids):
            self._webhooks.announce(webhook)
        self.book.save()
