"""The rail's rate limit."""

import math
import time
from collections import defaultdict, deque

from orchestrator.halfin_sandbox.errors import RailError


class Throttle:
    """Counts each caller's calls of the last `window_s`."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def count(self, caller: str, limit: int) -> None:
        """Raise 429 when the caller's window is full; else count the call."""
        calls, at = self._calls[caller], time.monotonic()
        while calls and calls[0] <= at - self._window_s:
            calls.popleft()
        if len(calls) >= limit:
            wait = max(1, math.ceil(calls[0] + self._window_s - at))
            raise RailError(429, "rate_limited", "Too many requests", retry_s=wait)
        calls.append(at)
