"""Thirty hostile histories hold every invariant, and each planted mistake breaks one."""

import logging
from collections.abc import Iterator

import agreement
import pytest
from conftest import at
from simulation import closes
from simulation.killable import Program
from simulation.lab import lab
from simulation.mutants import MUTANTS, Mutant, plant
from simulation.violation import Violation

from orchestrator.check_wallets import check_new_wallets
from orchestrator.config import Component
from orchestrator.database import connect
from orchestrator.dbt import build_arguments, run_dbt

WEEKS, PLANTED_WEEKS = 12, 10


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """The rail's moods are no news."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("seed", range(30))
def test_a_history(seed: int) -> None:
    with lab().history(seed, WEEKS) as simulation:
        try:
            simulation.run()
        except Violation as violation:
            tale = "\n".join(simulation.log)
            pytest.fail(f"make simulate SEED={seed} WEEKS={WEEKS}\n{tale}\n{violation}")
    assert simulation.compared > 1000
    assert len(simulation.log) > 5 * WEEKS


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_planted_mistake_is_caught(mutant: Mutant) -> None:
    """By the history that is known to show it, or by the first other one that does."""
    for lives, seed in enumerate(dict.fromkeys((mutant.seed, *range(24))), start=1):
        with lab().history(seed, PLANTED_WEEKS) as simulation:
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


def test_dbt_leaves_the_same_rows_behind() -> None:
    """Materialization is what the histories leave out: here dbt itself builds in its place."""
    with lab().history(2, 4) as simulation:
        simulation.run()
        simulation.until(simulation.due())
        simulation.product(check_new_wallets, Program())
        simulation.project.build(simulation.settings)
        expected = closes.sides(simulation)
        settings = at(simulation.settings, simulation.now)
        variables = f"{{settlement_timezone: {simulation.project.zone}}}"
        run_dbt(
            settings,
            [*build_arguments(), "--exclude-resource-type", "test", "--vars", variables],
        )
        with connect(settings, Component.ORCHESTRATOR) as database:
            [(is_whole,)] = database.execute(
                "select completed_at is not null from finance.build_instants"
                " where target_schema = 'settlement'"
            )
        assert is_whole
        assert agreement.compare(closes.sides(simulation), expected, "dbt itself") > 100
