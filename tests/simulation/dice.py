"""The luck of a history: each kind of draw has dice of its own, anew each week."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

Luck = Callable[[str], Random]


@dataclass
class Dice:
    """Keyed by seed, week and kind: a new kind of act, or one more draw of a kind, moves no other.

    What an act does to the books moves the histories after it all the same.
    """

    seed: int
    week: int = 0
    _thrown: dict[tuple[int, str], Random] = field(default_factory=dict)

    def __call__(self, kind: str) -> Random:
        key = (self.week, kind)
        if key not in self._thrown:
            self._thrown[key] = Random(f"{self.seed}/{self.week}/{kind}")  # noqa: S311 - a test's
        return self._thrown[key]
