"""What happens seldom in histories, counted while they are lived.

Of what none of them has, they show nothing: each set of histories has each rare thing in some.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.secret_files import exclusive
from tests.support.postgres import TEMPLATES

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

# In how many histories of a set each must have happened.
LEAST = 3
RARE = (
    "a restore",
    "a call refused in part",
    "a run after the first",
    "a payout that was returned",
    "a line that people resolved",
    "a file of decisions",
    "a bad file of decisions",
    "a wallet in one case",
    "an outcome_conflict alone that holds",
    "a release after an approval",
    "a row that lands after its close",
    "a flag that is paid",
    "a flag that is lifted",
)
# What happened to a line.
MOVES = {"returned": "a payout that was returned", "resolved": "a line that people resolved"}


def note(sim: Simulation) -> None:
    """After a step: what is there that was not there before."""
    for what in ("a call refused in part", "a flag that is paid", "a flag that is lifted"):
        for one, other in sim.seen.of(what):
            sim.meets(what, f"{one}/{other}")
    for batch in sim.seen.batches:
        if batch.run > 1:
            sim.meets("a run after the first", f"{batch.window}/{batch.run}")
    for line in sim.seen.lines:
        for kind in MOVES.keys() & line.moves:
            sim.meets(MOVES[kind], line.line_id)


def counted(sim: Simulation) -> dict[str, int]:
    """How often each has happened in one history."""
    met = sim.met | {"a release after an approval": sim.office.released_late}
    return {what: len(met[what]) for what in RARE}


def histories(counts: Iterable[dict[str, int]]) -> dict[str, tuple[int, int]]:
    """How often each has happened, and in how many of these histories."""
    times: Counter[str] = Counter()
    lives: Counter[str] = Counter()
    for count in counts:
        times.update(count)
        lives.update(what for what, number in count.items() if number)
    return {what: (times[what], lives[what]) for what in RARE}


def table(found: dict[str, tuple[int, int]], total: int) -> str:
    lines = [f"{'what is rare':<38}{'times':>7}  histories of {total}"]
    lines += [f"{what:<38}{times:>7}  {lives}" for what, (times, lives) in found.items()]
    return "\n".join(lines)


def too_rare(found: dict[str, tuple[int, int]]) -> list[str]:
    return [what for what, (_, lives) in found.items() if lives < LEAST]


def of_a_set(seeds: Iterable[int], seed: int, count: dict[str, int]) -> dict[str, Any] | None:
    """Keep what one history had; once all of the set are lived, by any worker, what all had."""
    folder = Path(os.environ[TEMPLATES])
    with exclusive(folder / "rare.lock", 0o755):
        place = folder / "rare.json"
        known = json.loads(place.read_text(encoding="utf-8")) if place.exists() else {}
        known[str(seed)] = count
        place.write_text(json.dumps(known), encoding="utf-8")
    mine = [known.get(str(one)) for one in seeds]
    return None if None in mine else histories(mine)
