"""Pages of the console come before those of sellers.

They share the cores of one server, and a page about a window judges all sellers: it takes ten times
what a seller's page takes. Beside every seller who asks, it would wait for most of them.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import ParamSpec, TypeVar

from anyio import CapacityLimiter, fail_after
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from orchestrator.errors import SettleError

# How many pages of sellers are made at once: alone, and beside the console.
MOST, BESIDE_CONSOLE = 8, 2
LONGEST_WAIT_S = 5
P = ParamSpec("P")
T = TypeVar("T")


class Turns:
    """Who is next, in one event loop. Who waits takes neither a thread nor a connection."""

    def __init__(self) -> None:
        self._sellers = CapacityLimiter(MOST)
        self._of_console = 0

    def console(self, routes: Iterable[Route]) -> list[Route]:
        """The same routes, each page made at once."""
        return [_made_by(self.first, route) for route in routes]

    def sellers(self, routes: Iterable[Route]) -> list[Route]:
        """The same routes, pages made in the order in which they were asked for.

        They raise SettleError for one that has waited for LONGEST_WAIT_S.
        """
        return [_made_by(self._after, route) for route in routes]

    async def first(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Work of the console, in a thread. Until it is done, fewer pages of sellers begin."""
        self._count(1)
        try:
            return await run_in_threadpool(work, *args, **kwargs)
        finally:
            self._count(-1)

    async def _after(self, make: Callable[[Request], Response], request: Request) -> Response:
        try:
            with fail_after(LONGEST_WAIT_S):
                await self._sellers.acquire_on_behalf_of(request)
        except TimeoutError:
            raise SettleError("too many pages are asked for at once") from None
        try:
            return await run_in_threadpool(make, request)
        finally:
            self._sellers.release_on_behalf_of(request)

    def _count(self, change: int) -> None:
        self._of_console += change
        self._sellers.total_tokens = BESIDE_CONSOLE if self._of_console else MOST


def _made_by(
    turn: Callable[[Callable[[Request], Response], Request], Awaitable[Response]], route: Route
) -> Route:
    """One that reads a form first takes its own turn: a slow sender keeps nobody waiting."""
    make = route.endpoint
    if inspect.iscoroutinefunction(make):
        return route

    async def made(request: Request) -> Response:
        return await turn(make, request)

    return Route(route.path, made, methods=route.methods, name=route.name)
