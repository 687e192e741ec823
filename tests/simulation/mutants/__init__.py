"""Mistakes that somebody would make, planted on purpose: the right invariant must catch each.

A file has those of one kind. `changes` are replacements in a file's text. Models change in the SQL
that dbt compiled of them, so the text to replace has no Jinja in it, but for the zone's
placeholder.
"""

from tests.simulation.mutants import (
    facts_over_time,
    figures,
    gate,
    paying,
    people,
    refused_calls,
    runs_and_returns,
)
from tests.simulation.mutants.mutant import Mutant

# In one order: a test plants the first that breaks an invariant.
MUTANTS: tuple[Mutant, ...] = (
    *figures.MUTANTS,
    *facts_over_time.MUTANTS,
    *gate.MUTANTS,
    *paying.MUTANTS,
    *refused_calls.MUTANTS,
    *runs_and_returns.MUTANTS,
    *people.MUTANTS,
)
