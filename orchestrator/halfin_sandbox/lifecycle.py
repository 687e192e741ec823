"""The rail at work: payouts move on as time passes, and webhooks tell of it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Sequence
from typing import Any

from starlette.applications import Starlette

from orchestrator.errors import SettleError
from orchestrator.halfin_sandbox.book import Book
from orchestrator.halfin_sandbox.config import SandboxConfig, chance
from orchestrator.halfin_sandbox.errors import RailError
from orchestrator.halfin_sandbox.payouts import Json, test_event
from orchestrator.halfin_sandbox.webhooks import Webhooks

EARLY_WAIT_S = 20.0


class Sandbox:
    """The rail's books, the time that passes, and the webhooks it sends."""

    def __init__(self, config: SandboxConfig) -> None:
        if config.webhook_url and not config.webhook_secret:
            raise SettleError("the sandbox cannot sign webhooks: set HALFIN_WEBHOOK_SECRET")
        if config.webhook_url and not config.webhook_url.startswith(("http://", "https://")):
            raise SettleError(f"the webhook URL {config.webhook_url!r} must start with http://")
        if config.early_webhook_rate and not config.auto_approve:
            raise SettleError(
                "payouts that wait for release have no early webhooks: choose one of the two"
            )
        self.config = config
        self.book = Book(config)
        self.webhooks = Webhooks(config, self.book)
        self._tasks: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def running(self, app: Starlette) -> AsyncIterator[None]:
        """Resume what a restart interrupted, and stop cleanly at the end."""
        for worker in self.webhooks.workers():
            self._start(worker)
        self.webhooks.resume()
        self._start(self._settle(self.book.in_state("processing")))
        self._start(self._complete_after_all(self.book.in_state("failed")))
        self._start(self._send_back(self.book.in_state("completed")))
        if self.config.auto_approve:
            self._start(self._approve(self.book.in_state("pending_approval")))
        try:
            yield
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self.book.save()

    async def follow(self, ids: list[str]) -> None:
        """Let time pass for these new payouts.

        Returns at once, but where their webhooks are to come early: then when each has been sent,
        or after 20 s.
        """
        if not self.config.auto_approve or not ids:
            return
        if chance(self.config.seed, "early", ids[0]) >= self.config.early_webhook_rate:
            self._start(self._approve(ids))
            return
        sent = self._announce(self.book.settle(self.book.approve(ids)), is_early=True)
        self._start(self._complete_after_all(ids))
        self._start(self._send_back(ids))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.webhooks.tried(sent), EARLY_WAIT_S)

    def release(self, ids: Sequence[str] | None = None) -> int:
        """Do what the person on halfin's dashboard does, for these payouts or for all that wait.

        Returns how many moved on; raises RailError for an id that is not known, and moves none.
        """
        if unknown := [i for i in ids or () if i not in self.book.payouts]:
            raise RailError(404, "not_found", "No such payout", unknown)
        waiting = self.book.in_state("pending_approval") if ids is None else ids
        moved = self.book.approve(waiting)
        self.book.commit()
        self._start(self._settle(moved))
        return len(moved)

    def send_test_event(self) -> None:
        """Do what halfin's dashboard does to try a receiver."""
        if not self.config.webhook_url:
            raise RailError(400, "invalid_state", "There is no webhook URL to send it to")
        self._announce([test_event(self.book.environment)])

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
        self._announce(self.book.settle(ids))
        self._start(self._send_back(ids))
        await self._complete_after_all(ids)

    async def _complete_after_all(self, ids: list[str]) -> None:
        payouts = (self.book.payouts[i] for i in ids)
        late = [p["id"] for p in payouts if self.book.completes_after_all(p)]
        if late:
            await asyncio.sleep(self.config.completed_after_failed_s)
            self._announce(self.book.complete_after_all(late))

    async def _send_back(self, ids: list[str]) -> None:
        back = [i for i in ids if self.book.is_sent_back(self.book.payouts[i])]
        if back:
            await asyncio.sleep(self.config.returned_s)
            self._announce(self.book.send_back(back))

    def _announce(self, events: list[Json], *, is_early: bool = False) -> list[Json]:
        deliveries = [d for e in events for d in self.webhooks.announce(e, is_early=is_early)]
        self.book.commit()
        return deliveries
