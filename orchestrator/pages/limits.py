"""How often somebody may fail: who guesses has to wait."""

import threading
import time
from collections import OrderedDict, deque

REMEMBERED = 10_000


class FailureLimit:
    """At most `most` failures of one key in any `window_s` seconds. Safe for threads."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most, self._window_s = most, window_s
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def is_reached(self, key: str) -> bool:
        """Whether the key has to wait."""
        with self._lock:
            return key in self._failures and len(self._recent(key)) >= self._most

    def note(self, key: str) -> None:
        """A failure of the key, now."""
        with self._lock:
            self._failures.setdefault(key, deque())
            self._recent(key).append(time.monotonic())
            self._failures.move_to_end(key)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)

    def _recent(self, key: str) -> deque[float]:
        recent = self._failures[key]
        while recent and recent[0] <= time.monotonic() - self._window_s:
            recent.popleft()
        return recent
