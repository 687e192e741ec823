"""Each planted mistake breaks an invariant of a hostile history, and the right one."""

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.seeds import WEEKS, look_for

NIGHTLY = pytest.mark.nightly("rare ones are looked for in all histories of the night")
MANY = pytest.mark.many("a history each: make test plants one for each of the invariants below")
# What money hangs on first: make test plants the first mistake that breaks each of them.
AT_ONCE = ("weekly build", "holds", "approved", "paid once", "reconciled")
FIRST = {next(m.name for m in MUTANTS if m.seed is not None and i in m.caught_by) for i in AT_ONCE}


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(mutant, id=mutant.name, marks=[] if mutant.name in FIRST else MANY)
        for mutant in MUTANTS
        if mutant.seed is not None
    ],
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
