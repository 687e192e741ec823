"""dbt's own tests: every unit test, and every data test on a database that holds nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.runner import run_dbt
from orchestrator.errors import SettleError


def test_unit_and_data_tests_pass_on_an_empty_database(settings: Settings) -> None:
    # Unit tests take column types from the relations, so those come first.
    run_dbt(settings, ["build", "--exclude-resource-type", "unit_test"])
    run_dbt(settings, ["test", "--select", "test_type:unit"])


FEE_TYPES = "primary_key_fee_types_fee_type__is_tax"
POLICIES = "assert_reserve_policies_are_possible"
ADD = "insert into settlement_seeds.fee_types values (%s, %s)"
BAD_POLICIES = (
    "update settlement_seeds.reserve_policies set reserve_days = -1",
    "update settlement_seeds.reserve_policies set holdback_percent = 100.5",
    "insert into settlement_seeds.reserve_policies values ('elevated', now(), 7, 25, -1)",
    "update settlement_seeds.reserve_policies set valid_from = '2026-01-01+00'",
    "delete from settlement_seeds.reserve_policies where policy = 'standard'",
    "update settlement_seeds.new_seller_policies set days = -1",
    "update settlement_seeds.new_seller_policies set policy = 'unknown'",
)
ACTIONS = "assert_review_actions_are_possible"
BAD_ACTIONS = tuple(
    f"update settlement_seeds.review_actions set {change} where review_reason = 'spike'"
    for change in (
        "action = 'ignore'",
        "action = 'pay', lift_after_weeks = 4",
        "action = 'pay', policy = 'unknown', lift_after_weeks = 4",
        "action = 'pay', policy = 'elevated', lift_after_weeks = 0",
        "action = 'pay', policy = 'elevated'",
        "policy = 'elevated'",
        "review_reason = 'mood'",
    )
)


@dataclass(frozen=True)
class Seeds:
    """Seeds that pass, and the data tests of two of them as dbt compiles them."""

    settings: Settings
    compiled: Path

    def broken(self, name: str, *changes: tuple[str, Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The rows that fail a test after these changes, which nobody else sees."""
        [file] = self.compiled.rglob(f"{name}.sql")
        with connect(self.settings, Component.OWNER) as owner:
            assert owner.execute(file.read_bytes()).fetchall() == []
            for change, values in changes:
                owner.execute(change.encode(), values)
            found = owner.execute(file.read_bytes()).fetchall()
            owner.rollback()
        return found


@pytest.fixture(scope="module")
def seeds(settings: Settings) -> Seeds:
    run_dbt(settings, ["seed"])
    # As it runs them, dbt compiles them too.
    run_dbt(settings, ["test", "--select", "fee_types", POLICIES, ACTIONS])
    return Seeds(settings, settings.home / "dbt" / "target" / "compiled")


@pytest.mark.parametrize(
    ("row", "nulls"),
    [
        (("tax", False), []),
        (("levy", None), ["is_tax"]),
        ((None, True), ["fee_type"]),
    ],
)
def test_a_second_row_of_a_key_and_a_null_are_found(
    seeds: Seeds, row: tuple[str | None, bool | None], nulls: list[str]
) -> None:
    emptied = ("delete from settlement_seeds.fee_types", ())
    found = seeds.broken(FEE_TYPES, emptied, (ADD, ("tax", True)), (ADD, row))
    [(_, row_count, columns)] = found
    assert (row_count, columns) == (1 if nulls else 2, nulls)


@pytest.mark.parametrize("change", BAD_POLICIES)
def test_a_reserve_policy_that_cannot_be_is_found(seeds: Seeds, change: str) -> None:
    assert seeds.broken(POLICIES, (change, ()))


@pytest.mark.parametrize("change", BAD_ACTIONS)
def test_what_no_review_reason_can_do_is_found(seeds: Seeds, change: str) -> None:
    assert seeds.broken(ACTIONS, (change, ()))


def test_a_row_that_a_data_test_finds_fails_the_build(seeds: Seeds) -> None:
    with connect(seeds.settings, Component.OWNER, autocommit=True) as owner:
        owner.execute(ADD, ("tax", False))
        owner.execute(BAD_POLICIES[0])
    with pytest.raises(SettleError, match="2 failed, first "):
        run_dbt(seeds.settings, ["test", "--select", "fee_types", POLICIES, ACTIONS])
    log = (seeds.settings.home / "dbt/logs/dbt.log").read_text()
    assert f"Failure in test {FEE_TYPES}" in log
    assert f"Failure in test {POLICIES}" in log
