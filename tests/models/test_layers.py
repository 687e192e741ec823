"""What a layer may read and what a model owes its readers is checked: each rule is broken once."""

import json
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT

PARTS = ("models", "macros", "seeds", "snapshots", "tests/dbt")
FILES = ("dbt_project.yml", "dbt-bouncer.yml")
TARGET = ".settle/layers/target"

PLANTED = {
    "models/staging/finance/stg_finance__on_core.sql": "select 1 as n from {{ ref('int_build') }}",
    "models/staging/finance/stg_finance__two_sources.sql": (
        "select b.subject from {{ source('finance', 'breaks') }} as b"
        " cross join {{ source('finance', 'alerts') }} as a"
    ),
    "models/core/facts/int_on_mart.sql": "select payout_window from {{ ref('windows') }}",
    "models/core/facts/int_on_source.sql": "select 1 as n from {{ source('finance', 'alerts') }}",
    "models/core/facts/int_by_hand.sql": "select break_id from finance.breaks",
    "models/core/facts/int_in_decimals.sql": (
        "select\n    net_minor / 100 as net\nfrom {{ ref('int_settlement') }}"
    ),
    "models/core/facts/named_plainly.sql": "select 1 as n from {{ ref('int_build') }}",
    "models/marts/finance/int_in_marts.sql": "select 1 as n from {{ ref('int_build') }}",
    "models/marts/finance/without_contract.sql": "select 1 as n from {{ ref('int_build') }}",
    "models/marts/finance/_planted.yml": """
version: 2
models:
  - name: without_contract
    description: One row.
    config: {access: public}
exposures:
  - name: looks_into_core
    type: dashboard
    owner: {name: finance}
    depends_on: [ref('int_build')]
""",
}
# Which rule names which of them.
BROKEN = {
    "check_lineage_permitted_upstream_models": {"stg_finance__on_core", "int_on_mart"},
    "check_model_depends_on_multiple_sources": {"stg_finance__two_sources"},
    "check_source_used_by_only_one_model": {"finance_breaks", "finance_alerts"},
    "check_lineage_source_cannot_be_used": {"int_on_source"},
    "check_model_hard_coded_references": {"int_by_hand"},
    "check_model_code_does_not_contain_regexp_pattern": {"int_in_decimals"},
    "check_model_names": {"named_plainly", "int_in_marts"},
    "check_model_description_populated": {"int_on_mart"},
    "check_model_access": {"int_in_marts"},
    "check_model_contract_enforced_for_public_model": {"without_contract"},
    "check_model_has_tests_by_name": {"int_on_mart", "without_contract"},
    "check_exposure_based_on_non_public_models": {"looks_into_core"},
}


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "DBT_PROFILES_DIR": str(project),
        "DBT_TARGET_PATH": TARGET,
        "DBT_LOG_PATH": "logs",
    }
    tool = Path(sys.executable).parent / command[0]
    return subprocess.run(
        [str(tool), *command[1:]],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = tmp_path_factory.mktemp("project")
    for part in PARTS:
        shutil.copytree(PROJECT_ROOT / part, copy / part)
    for name in FILES:
        shutil.copyfile(PROJECT_ROOT / name, copy / name)
    shutil.copyfile(PROJECT_ROOT / "profiles.yml.example", copy / "profiles.yml")
    return copy


def test_the_models_describe_themselves(project: Path) -> None:
    assert run(project, "dbt", "--quiet", "parse").returncode == 0

    scored = run(
        project, "dbt-score", "lint", "--manifest", f"{TARGET}/manifest.json", "--format", "json"
    )

    assert json.loads(scored.stdout)["project"]["score"] >= 9.8


@pytest.fixture(scope="module")
def failures(project: Path) -> Mapping[str, set[str]]:
    """Per rule, what breaks it once each mistake is planted."""
    for name, text in PLANTED.items():
        (project / name).write_text(text + "\n", encoding="utf-8")
    parsed = run(project, "dbt", "--quiet", "parse")
    assert parsed.returncode == 0, parsed.stdout
    found = project / "found.json"
    checked = run(
        project,
        *("dbt-bouncer", "run", "--config-file", "dbt-bouncer.yml"),
        *("--output-file", str(found), "--output-format", "json"),
    )
    assert checked.returncode == 1, checked.stdout + checked.stderr
    failed = defaultdict(set)
    for check in json.loads(found.read_text(encoding="utf-8")):
        if check["outcome"] == "failed":
            rule, _, subject = check["check_run_id"].split(":")
            failed[rule].add(subject)
    return failed


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_names_what_breaks_it(failures: Mapping[str, set[str]], rule: str) -> None:
    assert failures[rule] >= BROKEN[rule]


def test_what_keeps_to_the_rules_is_not_named(failures: Mapping[str, set[str]]) -> None:
    mine = {Path(name).stem for name in PLANTED} | {"finance_breaks", "finance_alerts"}
    assert set().union(*failures.values()) <= mine | {"looks_into_core"}
