"""What dbt_project.yml and the seeds decide for the few places beside the models."""

import csv
from datetime import date
from typing import Any

import yaml

from orchestrator.config import PROJECT_ROOT


def project_variables() -> dict[str, Any]:
    """The vars of dbt_project.yml."""
    project = yaml.safe_load((PROJECT_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    variables: dict[str, Any] = project["vars"]
    return variables


def source_table(name: str) -> tuple[str, str]:
    """Schema and table of a marketplace source."""
    variables = project_variables()
    return variables["marketplace_schema"], variables[f"{name}_table"]


def payout_holidays() -> list[date]:
    """The days on which nobody is paid, as the seed has them."""
    path = PROJECT_ROOT / "seeds" / "payout_holidays.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return [date.fromisoformat(row["day"]) for row in csv.DictReader(file)]
