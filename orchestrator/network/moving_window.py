"""How often something may happen: the rail's limit, the sandbox's, and that of failed logins."""

import threading
import time
from collections import OrderedDict, deque

REMEMBERED = 10_000  # keys


class MovingWindow:
    """At most `most` events of one key in any `window_s` seconds. Safe for threads."""

    def __init__(self, most: int, window_s: float) -> None:
        self._most, self._window_s = most, window_s
        self._events: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def count(self, key: str = "") -> float:
        """Count an event now and return 0; or the seconds until there is room, and count nothing.

        Count before an attempt and take it back if that succeeds: of many attempts at once no more
        than `most` get through.
        """
        with self._lock:
            events, now = self._recent(key), time.monotonic()
            self._events.move_to_end(key)
            while len(self._events) > REMEMBERED:
                self._events.popitem(last=False)
            if len(events) >= self._most:
                return max(events[0] + self._window_s - now, 1e-3)
            events.append(now)
            return 0.0

    def wait(self, key: str = "") -> None:
        """Return when an event may happen, and count it."""
        while seconds := self.count(key):
            time.sleep(seconds)

    def take_back(self, key: str = "") -> None:
        """The event counted last does not count."""
        with self._lock:
            events = self._recent(key)
            if events:
                events.pop()

    def _recent(self, key: str) -> deque[float]:
        events = self._events.setdefault(key, deque())
        while events and events[0] <= time.monotonic() - self._window_s:
            events.popleft()
        return events
