"""Builds of the models as of an instant, under settings that a test chooses."""

import json
from datetime import datetime

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import AS_OF_SCHEMA, build_arguments, build_as_of
from orchestrator.dbt.runner import run_dbt
from tests.reference import model

AS_OF_SEEDS = f"{AS_OF_SCHEMA}_seeds"


def build_first(settings: Settings, instant: datetime, rules: model.Settings) -> None:
    """As a person asks for it, where the command line has the words."""
    if rules.late_disputes == "absorb":
        build_as_of(settings, instant, rules.timezone.key)
    else:
        _begin(settings, instant)
        run_dbt(settings, [*build_arguments(), *_arguments(settings, rules)])


def rebuild(settings: Settings, instant: datetime, rules: model.Settings) -> None:
    """The models alone, of a schema whose seeds are there and perhaps changed."""
    _begin(settings, instant)
    run_dbt(settings, ["run", *_arguments(settings, rules)])


def _begin(settings: Settings, instant: datetime) -> None:
    with connect(settings, Component.DBT) as connection:
        connection.execute("select finance.begin_build(%s, %s)", [AS_OF_SCHEMA, instant])


def _arguments(settings: Settings, rules: model.Settings) -> list[str]:
    target = settings.home / "dbt" / "target-asof"
    variables = {"use_stored_closes": False, "settlement_timezone": rules.timezone.key}
    if rules.late_disputes != model.DEFAULTS.late_disputes:  # dbt parses anew for each other set
        variables["late_disputes"] = rules.late_disputes
    place = ["--target", "asof", "--target-path", str(target), "--no-write-json"]
    return [*place, "--vars", json.dumps(variables)]
