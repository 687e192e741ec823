"""Each planted mistake breaks an invariant of a hostile history, and the right one."""

import pytest

from tests.simulation.lab import lab
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.planting import plant
from tests.simulation.violation import Violation

WEEKS = 10


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_mistake_is_caught(mutant: Mutant) -> None:
    """By the history that is known to show it, or by the first other one that does."""
    for lives, seed in enumerate(dict.fromkeys((mutant.seed, *range(24))), start=1):
        with lab().history(seed, WEEKS) as simulation:
            plant(mutant, simulation)
            try:
                simulation.run()
            except Violation as violation:
                if violation.invariant not in mutant.caught_by:
                    pytest.fail(f"{mutant.name}: another invariant noticed, {violation}")
                step = len(simulation.log) + 1
                print(f"{mutant.name}: {violation.invariant}, seed {seed}, step {step}, {lives}.")
                return
    pytest.fail(f"no history notices: {mutant.name}")
