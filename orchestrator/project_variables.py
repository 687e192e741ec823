"""What dbt_project.yml decides for the few places beside the models."""

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
