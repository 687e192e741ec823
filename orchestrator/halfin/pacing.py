"""Staying below the rail's limit of calls: 300 in any 60 seconds."""

import threading
import time
from collections import deque


class Pace:
    """Lets `limit` calls through in any `window_s` seconds; the next waits. Safe for threads."""

    def __init__(self, limit: int, window_s: float) -> None:
        self._window_s = window_s
        self._begun: deque[float] = deque(maxlen=limit)
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when a call may go out, and count it."""
        with self._lock:
            if len(self._begun) == self._begun.maxlen:
                time.sleep(max(0.0, self._begun[0] + self._window_s - time.monotonic()))
            self._begun.append(time.monotonic())
