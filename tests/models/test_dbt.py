"""dbt's own tests: every unit test, and every data test on a database that holds nothing."""

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.runner import run_dbt
from orchestrator.errors import SettleError


def test_unit_and_data_tests_pass_on_an_empty_database(settings: Settings) -> None:
    # Unit tests take column types from the relations, so those come first.
    run_dbt(settings, ["build", "--exclude-resource-type", "unit_test"])
    run_dbt(settings, ["test", "--select", "test_type:unit"])


@pytest.mark.parametrize(
    ("row", "nulls"),
    [
        (("tax", False), []),
        (("levy", None), ["is_tax"]),
        ((None, True), ["fee_type"]),
    ],
)
def test_a_second_row_of_a_key_and_a_null_are_found(
    settings: Settings, row: tuple[str | None, bool | None], nulls: list[str]
) -> None:
    name = "primary_key_fee_types_fee_type__is_tax"
    run_dbt(settings, ["seed"])
    with connect(settings, Component.OWNER, autocommit=True) as owner:
        insert = "insert into settlement_seeds.fee_types values (%s, %s)"
        owner.execute("delete from settlement_seeds.fee_types")
        owner.execute(insert, ["tax", True])
        run_dbt(settings, ["test", "--select", "fee_types"])
        owner.execute(insert, row)
        with pytest.raises(SettleError, match=f"1 failed, first {name}"):
            run_dbt(settings, ["test", "--select", "fee_types"])
        [compiled] = (settings.home / "dbt/target/compiled").rglob(f"{name}.sql")
        [(_, row_count, columns)] = owner.execute(compiled.read_bytes()).fetchall()
    assert f"Failure in test {name}" in (settings.home / "dbt/logs/dbt.log").read_text()
    assert (row_count, columns) == (1 if nulls else 2, nulls)


@pytest.mark.parametrize(
    "change",
    [
        "update settlement_seeds.reserve_policies set reserve_days = -1",
        "update settlement_seeds.reserve_policies set holdback_percent = 100.5",
        "insert into settlement_seeds.reserve_policies values ('elevated', now(), 7, 25, -1)",
        "update settlement_seeds.reserve_policies set valid_from = '2026-01-01+00'",
        "delete from settlement_seeds.reserve_policies where policy = 'standard'",
    ],
)
def test_a_reserve_policy_that_cannot_be_is_found(settings: Settings, change: str) -> None:
    test = ["test", "--select", "assert_reserve_policies_are_possible"]
    run_dbt(settings, ["seed", "--select", "reserve_policies"])
    run_dbt(settings, test)
    with connect(settings, Component.OWNER, autocommit=True) as owner:
        owner.execute(change.encode())
    with pytest.raises(SettleError, match="assert_reserve_policies_are_possible"):
        run_dbt(settings, test)
