"""Which history shows a planted mistake first: python -m tests.simulation.seeds WORDS.

A seed is noted beside its mistake, in tests/simulation/mutants. What a history draws moves seeds;
then the test that plants the mistake says so, and this finds another one.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass

from tests.simulation.lab import lab
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.planting import plant
from tests.simulation.violation import Violation
from tests.support.postgres import share_templates

WEEKS = 10


@dataclass(frozen=True)
class Found:
    """What noticed a mistake, at which step of how many; no invariant where nothing did."""

    invariant: str | None
    steps: int
    seconds: float
    detail: str = ""

    def __str__(self) -> str:
        what = f"{self.invariant or 'nothing'} at step {self.steps}, {self.seconds:.0f} s"
        return f"{what} ({self.detail[:300]})" if self.detail else what


def look_for(mutant: Mutant, seed: int, weeks: int = WEEKS) -> Found:
    """Live the seed with the mistake in it, up to where an invariant breaks."""
    begun, noticed = time.monotonic(), None
    with lab().history(seed, WEEKS) as simulation:
        plant(mutant, simulation)
        simulation.ends_after = weeks
        try:
            simulation.run()
        except Violation as violation:
            noticed = violation
    steps, seconds = len(simulation.log), time.monotonic() - begun
    if noticed is None:
        return Found(None, steps, seconds)
    return Found(noticed.invariant, steps + 1, seconds, noticed.detail)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.seeds", description=__doc__)
    parser.add_argument("words", nargs="*", help="words of the mistakes' names; all without any")
    parser.add_argument("--seeds", type=int, default=24, help="how many to look at")
    parser.add_argument("--weeks", type=int, default=WEEKS, help="of each history, at most")
    asked = parser.parse_args()
    share_templates()
    words = " ".join(asked.words)
    missed = 0
    for mutant in (mutant for mutant in MUTANTS if words in mutant.name):
        first = () if mutant.seed is None else (mutant.seed,)
        for seed in dict.fromkeys((*first, *range(asked.seeds))):
            found = look_for(mutant, seed, asked.weeks)
            is_right = found.invariant in mutant.caught_by
            if found.invariant and not is_right:
                print(f"  {mutant.name}: seed {seed}: another invariant: {found}", flush=True)
            if is_right:
                print(f"{mutant.name}: seed={seed}, {found.invariant} at {found.steps}", flush=True)
                break
        else:
            missed += 1
            print(f"{mutant.name}: no history of {asked.seeds} shows it", flush=True)
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
