"""Hostile histories hold every invariant, and a seed is the same history everywhere."""

import os
import subprocess
import sys

import pytest

from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import build_arguments
from orchestrator.dbt.runner import run_dbt
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.models import agreement
from tests.simulation import closes, rare
from tests.simulation.killable import Program
from tests.simulation.lab import lab
from tests.simulation.mutants import MUTANTS
from tests.simulation.seeds import WEEKS
from tests.simulation.violation import Violation
from tests.support.settings import at

# As many as one waits for, more of the same kind in `make ci`, and at night.
FIRST, OTHERS, MORE = range(2), range(8), range(8, 30)
MANY = pytest.mark.many("more of the same kind: seeds 0 and 1 are lived in make test")
NIGHTLY = pytest.mark.nightly("more of the same kind: seeds 0 to 7 are lived in make ci")


@pytest.mark.parametrize(
    "seed",
    [
        *FIRST,
        *(pytest.param(other, marks=MANY) for other in OTHERS if other not in FIRST),
        *(pytest.param(more, marks=NIGHTLY) for more in MORE),
    ],
)
def test_a_history(seed: int) -> None:
    with lab().history(seed, WEEKS) as simulation:
        try:
            simulation.run()
        except Violation as violation:
            tale = "\n".join(simulation.log)
            pytest.fail(f"make simulate SEED={seed} WEEKS={WEEKS}\n{tale}\n{violation}")
    assert simulation.compared > 1000
    assert len(simulation.log) > 5 * WEEKS
    mine = next(seeds for seeds in (OTHERS, MORE) if seed in seeds)
    found = rare.of_a_set(mine, seed, rare.counted(simulation))
    if found is not None:  # this one was the last of them
        print(rare.table(found, len(mine)))
        assert rare.too_rare(found) == [], f"make it commoner: {found}"


def test_these_histories_show_planted_mistakes() -> None:
    """So what each of them is about happens in the histories that are lived without it, too."""
    known = {m.name: m.seed for m in MUTANTS if m.seed is not None}
    assert {name: seed for name, seed in known.items() if seed not in (*OTHERS, *MORE)} == {}


def test_a_seed_is_the_same_history_in_another_process() -> None:
    """Another installation, other hashes of strings: a violation can be looked at again."""
    with lab().history(3, 4) as simulation:
        simulation.run()
    told = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "3", "--weeks", "4"],
        env=os.environ | {"PYTHONHASHSEED": "7"},
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.splitlines() == [*simulation.log, "seed 3: all is well"]


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
