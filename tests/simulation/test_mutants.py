"""Each planted mistake breaks an invariant of a hostile history, and the right one."""

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.seeds import WEEKS, look_for

NIGHTLY = pytest.mark.nightly("rare ones are looked for in all histories of the night")


@pytest.mark.parametrize(
    "mutant", [mutant for mutant in MUTANTS if mutant.seed is not None], ids=lambda m: m.name
)
def test_a_planted_mistake_is_caught(mutant: Mutant) -> None:
    """By the history that is known to show it."""
    assert mutant.seed is not None
    found = look_for(mutant, mutant.seed)
    print(f"{mutant.name}: {found}, seed {mutant.seed}")
    if found.invariant is None:
        pytest.fail(
            f"{mutant.name}: seed {mutant.seed} no longer shows it in {WEEKS} weeks; find another:"
            f" python -m tests.simulation.seeds {mutant.name!r}"
        )
    assert found.invariant in mutant.caught_by, f"another invariant noticed: {found}"


@NIGHTLY
@pytest.mark.parametrize(
    "mutant", [mutant for mutant in MUTANTS if mutant.seed is None], ids=lambda m: m.name
)
def test_a_rare_planted_mistake_is_caught(mutant: Mutant) -> None:
    """By one of the histories of the night."""
    for seed in range(30):
        found = look_for(mutant, seed)
        if found.invariant is not None:
            print(f"{mutant.name}: {found}, seed {seed}")
            assert found.invariant in mutant.caught_by, f"another invariant noticed: {found}"
            return
    pytest.fail(f"no history of the night notices: {mutant.name}")
