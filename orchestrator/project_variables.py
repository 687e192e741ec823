"""What dbt_project.yml and the seeds decide for the few places beside the models."""

import csv
from datetime import date
from typing import Any

from orchestrator.config import PROJECT_ROOT
from orchestrator.yaml_files import read_yaml


def project_variables() -> dict[str, Any]:
    """The vars of dbt_project.yml."""
    variables: dict[str, Any] = read_yaml(PROJECT_ROOT / "dbt_project.yml")["vars"]
    return variables


def is_distributed() -> bool:
    """Whether the project is for a cluster: what settle db distribute was run on."""
    return bool(project_variables()["distributed"])


def source_table(name: str) -> tuple[str, str]:
    """Schema and table of a marketplace source."""
    variables = project_variables()
    return variables["marketplace_schema"], variables[f"{name}_table"]


def payout_holidays() -> list[date]:
    """The days on which nobody is paid, as the seed has them."""
    return [date.fromisoformat(row["day"]) for row in seed_rows("payout_holidays")]


def seed_rows(name: str) -> list[dict[str, str]]:
    """The rows of a seed, as text, for what is needed before a build."""
    path = PROJECT_ROOT / "seeds" / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
