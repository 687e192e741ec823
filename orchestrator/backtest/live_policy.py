"""The policy that is live: dbt_project.yml, the seed of reserve policies, finance's limits."""

import csv
from decimal import Decimal

from orchestrator.backtest.policy import Policy, Variables
from orchestrator.backtest.policy_file import load_yaml
from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows_of

NAME = "live"


def live_policy(settings: Settings) -> Policy:
    """What risk decides today, as the next build has it."""
    project = load_yaml((PROJECT_ROOT / "dbt_project.yml").read_text(encoding="utf-8"))
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        limits = rows_of(database, "risk/limits")
    return Policy.model_validate(
        {
            "policy": NAME,
            "variables": {name: project["vars"][name] for name in Variables.model_fields},
            "reserve_policies": _reserve_policies(),
            "limits": [{**limit, "amount": Decimal(limit["amount"])} for limit in limits],
        }
    )


def _reserve_policies() -> list[dict[str, object]]:
    """The rows of the seed, numbers as numbers."""
    path = PROJECT_ROOT / "seeds" / "reserve_policies.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: (row["policy"], row["valid_from"]))
    return [
        {
            **row,
            "reserve_days": int(row["reserve_days"]),
            "holdback_percent": Decimal(row["holdback_percent"]),
            "holdback_days": int(row["holdback_days"]),
        }
        for row in rows
    ]
