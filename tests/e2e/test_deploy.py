"""What deploy/ says is what there is: programs, verbs, variables."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import yaml

from orchestrator.config import (
    DAGSTER_URL_VARIABLE,
    PROJECT_ROOT,
    URL_VARIABLES,
    Environment,
    Settings,
    load_settings,
)
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.services.dagster_instance import DATABASE, LOGIN, prepare_dagster
from tests.support.shell import Shell

DEPLOY = PROJECT_ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def variables() -> dict[str, str]:
    return variables_of("settle") | variables_of("receiver") | variables_of("events")


def variables_of(name: str) -> dict[str, str]:
    lines = (DEPLOY / "systemd" / f"{name}.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_programs_that_are_installed(unit: Path) -> None:
    commands = re.findall(r"^Exec\w+=/opt/settle/\.venv/bin/(\S+)", unit.read_text(), re.MULTILINE)
    assert commands
    for program in commands:
        assert (Path(sys.executable).parent / program).is_file()


def test_the_variables_are_those_that_settle_reads() -> None:
    found = variables()
    settings = load_settings(found)
    assert settings.environment is Environment.PRODUCTION
    assert settings.dagster_url == found[DAGSTER_URL_VARIABLE]
    known = set(URL_VARIABLES.values()) - {"SETTLE_DATABASE_URL"}
    assert known <= set(found)
    assert {variable for variable in found if variable.endswith("_URL")} - known == {
        DAGSTER_URL_VARIABLE,
        "HALFIN_BASE_URL",
        "SETTLE_EVENTS_URL",
        "SETTLE_PAGES_URL",
    }


def test_the_containers_run_the_same_programs_as_the_units() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {f"settle-{name}" for name in services} - {"settle-home"} == {u.stem for u in UNITS}
    assert "--read-only" in services["reading"]["entrypoint"]


@pytest.mark.nightly("a home from nothing, started by other programs")
def test_a_home_is_made_ready_for_programs_that_others_start(
    settings: Settings, tmp_path: Path
) -> None:
    """With the tables of the history: units that start together would make them together."""
    server = EmbeddedPostgres(settings.home)
    prepare_dagster(settings)  # the history's database, as an administrator makes it
    history = server.url(LOGIN, DATABASE)
    nowhere = "postgresql://nobody:x@127.0.0.1:1/settle"
    external = {"SETTLE_DBT_URL": nowhere, "SETTLE_ORCHESTRATOR_URL": nowhere}
    shell = Shell(tmp_path, **external)
    with ThreadPoolExecutor(2) as units:
        homes = units.map(lambda _: shell.done("home", SETTLE_DAGSTER_URL=history), range(2))
    assert all(str(tmp_path / "dagster") in said for said in homes)
    written = yaml.safe_load((tmp_path / "dagster" / "dagster.yaml").read_text(encoding="utf-8"))
    storage = written["storage"]["custom"]
    assert storage["config"] == {"postgres_url": {"env": DAGSTER_URL_VARIABLE}}
    assert written["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}
    assert (tmp_path / "dbt" / "target" / "manifest.json").is_file()
    with psycopg.connect(history) as database:
        [heads] = database.execute("select count(*) from alembic_version").fetchone() or ()
    assert heads == 1
    said = shell.refused("home", SETTLE_DAGSTER_URL=nowhere)
    assert said.startswith("the database of SETTLE_DAGSTER_URL does not answer: ")
