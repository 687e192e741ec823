"""A per-process cache of one value, shared by all sessions."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Found = TypeVar("Found")


@dataclass(frozen=True)
class _Kept(Generic[Found]):
    until: float
    version: object
    found: Found


class Shared(Generic[Found]):
    """One such thing; who asks while it is computed waits for it. Safe for threads."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._kept: _Kept[Found] | None = None
        self._lock = threading.Lock()

    def get(self, compute: Callable[[], Found], version: object = None) -> Found:
        """What was computed last, if it is young enough and of this version; else what `compute`
        returns now."""
        with self._lock:
            kept, now = self._kept, time.monotonic()
            if kept is None or kept.until <= now or kept.version != version:
                self._kept = kept = _Kept(now + self._kept_s, version, compute())
            return kept.found
