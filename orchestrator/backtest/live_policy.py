"""The policy that is live: dbt_project.yml, the seeds that risk decides, finance's limits."""

from decimal import Decimal
from operator import itemgetter

from orchestrator.backtest.policy import Policy, Variables
from orchestrator.backtest.policy_file import load_yaml
from orchestrator.config import PROJECT_ROOT, Component, Settings
from orchestrator.database.connection import connect, rows_of
from orchestrator.project_variables import seed_rows

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
            "reserve_policies": _seed(
                "reserve_policies", "reserve_days", "holdback_percent", "holdback_days"
            ),
            "new_seller_policies": _seed("new_seller_policies", "days"),
            "review_actions": _seed("review_actions", "lift_after_weeks"),
            "limits": [{**limit, "amount": Decimal(limit["amount"])} for limit in limits],
        }
    )


def _seed(name: str, *numbers: str) -> list[dict[str, object]]:
    """The rows of a seed in the order of their validity: numbers as numbers, no empty values."""
    return [
        {name: load_yaml(text) if name in numbers else text for name, text in row.items() if text}
        for row in sorted(seed_rows(name), key=itemgetter("valid_from"))
    ]
