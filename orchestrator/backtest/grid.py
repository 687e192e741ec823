"""Two numbers of a policy varied: every combination tried on the same history."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import product
from typing import Any

from pydantic import ValidationError

from orchestrator.backtest.policy import Policy
from orchestrator.backtest.policy_file import faults, load_yaml
from orchestrator.errors import SettleError

MOST = 100


def combinations(base: Policy, axes: Sequence[str]) -> list[Policy]:
    """A policy for each combination of axes like review_score=40,50 or standard.reserve_days=7,14.

    Raises SettleError with one line for the first axis or value that is wrong.
    """
    if len(axes) > 2:
        raise SettleError(f"--grid is given {len(axes)} times; it varies two numbers at most")
    varied = [_axis(text) for text in axes]
    combined = list(product(*(values for _, values in varied)))
    if len(combined) > MOST:
        raise SettleError(f"the grid has {len(combined)} combinations; {MOST} are the most")
    names = [name for name, _ in varied]
    if len(set(names)) < len(names):
        raise SettleError(f"--grid names {names[0]} twice")
    return [_changed(base, dict(zip(names, values, strict=True))) for values in combined]


def key_of(policies: Sequence[Policy], *facts: object) -> str:
    """What must be the same for a grid to be taken up where it was left."""
    told = [*map(str, facts), *(policy.model_dump_json() for policy in policies)]
    return sha256("\n".join(told).encode()).hexdigest()


def _axis(text: str) -> tuple[str, list[Any]]:
    name, equals, values = text.partition("=")
    if not equals or not values:
        raise SettleError(
            f"--grid {text}: write it like review_score=40,50 or standard.reserve_days=7,14"
        )
    return name, [load_yaml(value) for value in values.split(",")]


def _changed(base: Policy, values: Mapping[str, Any]) -> Policy:
    content = base.model_dump()
    for name, value in values.items():
        policy, dot, column = name.partition(".")
        if not dot:
            content["variables"][name] = value
            continue
        rows = [row for row in content["reserve_policies"] if row["policy"] == policy]
        if not rows:
            raise SettleError(f"--grid {name}: there is no reserve policy {policy}")
        for row in rows:
            row[column] = value
    content["policy"] = ", ".join(f"{name} {value}" for name, value in values.items())
    try:
        return Policy.model_validate(content)
    except ValidationError as error:
        raise SettleError(f"--grid {content['policy']}: {faults(error)[0]}") from None
