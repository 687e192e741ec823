"""One planted mistake: what it changes, what must notice it, and where it is known to show."""

from __future__ import annotations

from dataclasses import dataclass

CORE, FUNCTIONS = "models/core", "orchestrator/database/functions"
OBSTACLES = f"{FUNCTIONS}/approval/obstacles.sql"
ONLY_APPROVER = f"{FUNCTIONS}/approval/only_approver.sql"
MARKETPLACE = "models/staging/marketplace"


@dataclass(frozen=True)
class Mutant:
    """One mistake. `seed` is a history that is known to show it; others may, too. None: it is rare.

    `without` takes away constraints that would make the mistake impossible.
    """

    name: str
    changes: tuple[tuple[str, str, str], ...]
    caught_by: frozenset[str]
    seed: int | None = 0
    without: tuple[str, ...] = ()


def mutant(
    name: str,
    caught_by: str,
    *changes: tuple[str, str, str],
    seed: int | None = 0,
    without: tuple[str, ...] = (),
) -> Mutant:
    return Mutant(name, changes, frozenset(caught_by.split(", ")), seed, without)


CLOSE = "weekly build"
