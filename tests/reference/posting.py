"""What the stored closes saw, and from when a fact counts that came after the close it belongs to.

A close saw a fact that had landed and had its place, with an effect or without one: a second
`opened` of an open dispute, too, but nothing whose seller, order or refund was still unknown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from .facts import Key


@dataclass(frozen=True)
class Posting:
    """`stored_until` is where the latest stored window ends; `posted` is decided for ever."""

    stored_until: datetime | None = None
    seen: frozenset[Key] = frozenset()
    posted: Mapping[Key, datetime] = field(default_factory=dict)

    def instant(self, key: Key, known_at: datetime, release_at: datetime) -> datetime | None:
        """Where the fact is posted to, or none where it counts from when it is known."""
        if key in self.posted:
            return self.posted[key]
        is_late = self.stored_until is not None and max(known_at, release_at) < self.stored_until
        return self.stored_until if is_late and key not in self.seen else None


NOTHING_STORED = Posting()
