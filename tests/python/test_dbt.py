"""dbt's own tests: every unit test, and every data test on a database that holds nothing."""

from orchestrator.config import Settings
from orchestrator.dbt import run_dbt


def test_unit_and_data_tests_pass_on_an_empty_database(settings: Settings) -> None:
    # Unit tests take column types from the relations, so those come first.
    run_dbt(settings, ["build", "--exclude-resource-type", "unit_test"])
    run_dbt(settings, ["test", "--select", "test_type:unit"])
