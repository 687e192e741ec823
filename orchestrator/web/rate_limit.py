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

    def note(self, key: str) -> bool:
        """A failure of the key, now; whether it is one too many, and the key has to wait.

        Note it before a try and take it back when the try succeeds: of many tries at once no more
        than `most` get through.
        """
        with self._lock:
            recent = self._recent(key)
            self._failures.move_to_end(key)
            while len(self._failures) > REMEMBERED:
                self._failures.popitem(last=False)
            if len(recent) >= self._most:
                return True
            recent.append(time.monotonic())
            return False

    def take_back(self, key: str) -> None:
        """The last one noted was no failure."""
        with self._lock:
            recent = self._recent(key)
            if recent:
                recent.pop()

    def _recent(self, key: str) -> deque[float]:
        recent = self._failures.setdefault(key, deque())
        while recent and recent[0] <= time.monotonic() - self._window_s:
            recent.popleft()
        return recent
