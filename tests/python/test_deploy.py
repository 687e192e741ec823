"""What deploy/ says is what there is: programs, verbs, variables."""

import re
import sys
from pathlib import Path

import pytest
import yaml
from command_line import Shell

from orchestrator.config import (
    DAGSTER_URL_VARIABLE,
    PROJECT_ROOT,
    URL_VARIABLES,
    Environment,
    load_settings,
)

DEPLOY = PROJECT_ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def variables() -> dict[str, str]:
    lines = (DEPLOY / "systemd" / "settle.env.example").read_text(encoding="utf-8").splitlines()
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
        "SETTLE_PAGES_URL",
    }


def test_the_containers_run_the_same_programs_as_the_units() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {f"settle-{name}" for name in services} - {"settle-home"} == {u.stem for u in UNITS}
    assert services["reading"]["entrypoint"][:2] == ["dagster-webserver", "--read-only"]


def test_a_home_is_made_ready_for_programs_that_others_start(tmp_path: Path) -> None:
    url = "postgresql://nobody:x@127.0.0.1:1/settle"
    external = {"SETTLE_DBT_URL": url, "SETTLE_ORCHESTRATOR_URL": url}
    shell = Shell(tmp_path, **external, SETTLE_DAGSTER_URL=url)
    assert str(tmp_path / "dagster") in shell.done("home")
    written = yaml.safe_load((tmp_path / "dagster" / "dagster.yaml").read_text(encoding="utf-8"))
    assert written["storage"] == {"postgres": {"postgres_url": {"env": DAGSTER_URL_VARIABLE}}}
    assert written["concurrency"]["pools"] == {"default_limit": 1, "granularity": "run"}
    assert (tmp_path / "dbt" / "target" / "manifest.json").is_file()
