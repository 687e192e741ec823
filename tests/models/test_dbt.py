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
        (("2020-01-01", 7), []),
        (("2021-01-01", None), ["reserve_days"]),
        ((None, 7), ["valid_from"]),
    ],
)
def test_a_second_row_of_a_key_and_a_null_are_found(
    settings: Settings, row: tuple[str | None, int | None], nulls: list[str]
) -> None:
    name = "primary_key_reserve_policies_valid_from__reserve_days"
    run_dbt(settings, ["seed"])
    with connect(settings, Component.OWNER, autocommit=True) as owner:
        insert = "insert into settlement_seeds.reserve_policies values (%s, %s)"
        owner.execute("delete from settlement_seeds.reserve_policies")
        owner.execute(insert, ["2020-01-01", 7])
        run_dbt(settings, ["test", "--select", "reserve_policies"])
        owner.execute(insert, row)
        with pytest.raises(SettleError, match=f"1 failed, first {name}"):
            run_dbt(settings, ["test", "--select", "reserve_policies"])
        [compiled] = (settings.home / "dbt/target/compiled").rglob(f"{name}.sql")
        [(_, row_count, columns)] = owner.execute(compiled.read_bytes()).fetchall()
    assert f"Failure in test {name}" in (settings.home / "dbt/logs/dbt.log").read_text()
    assert (row_count, columns) == (1 if nulls else 2, nulls)
