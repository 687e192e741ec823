"""Flagged sellers who are paid: the reserve policies that closes put them under, and lift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from .facts import Assignment
from .settings import STANDARD, Settings
from .windows import Window


@dataclass(frozen=True)
class Flag:
    """What the close of a window changed: the policy of what the seller sells from then on.

    No policy where it lifted the one before.
    """

    payout_window: str
    seller_id: str
    policy: str | None
    reasons: tuple[str, ...]
    applies_from: datetime

    @property
    def assignment(self) -> Assignment:
        return Assignment(self.seller_id, self.policy, self.applies_from, is_by_people=False)


@dataclass
class Flags:
    """What closes found and changed so far, in their order."""

    found: dict[str, list[tuple[Window, tuple[str, ...]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    changed: list[Flag] = field(default_factory=list)

    def close(
        self,
        window: Window,
        reasons: Mapping[str, tuple[str, ...]],
        people: Iterable[Assignment],
        settings: Settings,
        now: datetime,
    ) -> list[Flag]:
        """What the close of the window changes, stored now; `reasons` are those of each seller."""
        for seller_id, mine in reasons.items():
            self.found[seller_id].append((window, mine))
        decided = {a.seller_id: a for a in sorted(people, key=lambda a: a.approved_at)}
        latest = {flag.seller_id: flag for flag in self.changed}
        changes = []
        for seller_id in sorted(self.found):
            word, flag = decided.get(seller_id), latest.get(seller_id)
            # Who is under a policy of people's is left to people.
            if word and word.policy != STANDARD:
                continue
            asking = self._asking(seller_id, window, word, settings)
            policy = _strictest({settings.paid[r].policy for r in asking}, window, settings)
            is_over = not flag or (word and flag.applies_from <= word.approved_at)
            if policy != (None if is_over or not flag else flag.policy):
                changes.append(Flag(window.label, seller_id, policy, asking, now))
        self.changed += changes
        return changes

    def _asking(
        self, seller_id: str, window: Window, word: Assignment | None, settings: Settings
    ) -> tuple[str, ...]:
        """The paid reasons that this close or one shortly before it found, since people decided."""
        asking = {
            reason
            for at, reasons in self.found[seller_id]
            for reason in reasons
            if reason in settings.paid
            and window.number - at.number < settings.paid[reason].lift_after_weeks
            and (word is None or word.approved_at < at.ends_at)
        }
        return tuple(sorted(asking))


def _strictest(names: set[str], window: Window, settings: Settings) -> str | None:
    """Of several policies the one that keeps more, for longer, as they are at the window's end."""

    def keeps(name: str) -> tuple[Decimal, int, int]:
        terms = settings.version(name, window.ends_at)
        return terms.holdback_percent, terms.holdback_days, terms.reserve_days

    return max(sorted(names), key=keeps, default=None)
