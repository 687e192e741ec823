"""A model reads no secret of the process in which dbt builds it.

A macro reads any variable of that process by env_var(), and may write it into a table: the rail's
key, the orchestrator's password, the owner's.
"""

import os

import pytest

from orchestrator.config import Settings, variables
from orchestrator.dbt.project import dbt_environment
from orchestrator.dbt.runner import dbt_results

OTHERS = ("SETTLE_PASSWORD", "PGPASSWORD", "AWS_SECRET_ACCESS_KEY", "DAGSTER_HOME")
TEAMS = "DBT_ENV_CUSTOM_ENV_TEAM"  # what an analyst's own project may read, by dbt's convention


def test_a_macro_reads_no_variable_but_those_of_dbt(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted({*variables(), *OTHERS})
    for name in names:
        monkeypatch.setenv(name, "planted")
    monkeypatch.setenv(TEAMS, "finance")
    before = dict(os.environ)
    asked = [*names, "SETTLE_DBT_HOST", TEAMS]
    read = " ".join(f"{{{{ env_var('{name}', 'none') }}}}" for name in asked)
    _, failure = dbt_results(settings, ["compile", "--inline", f"select '{read}' as found"])
    assert failure is None
    compiled = (settings.home / "dbt" / "target" / "compiled").rglob("*")
    texts = [file.read_text() for file in compiled if file.is_file()]
    [text] = [text for text in texts if text.endswith(" as found")]
    host = dbt_environment(settings)["SETTLE_DBT_HOST"]
    assert text == f"select '{'none ' * len(names)}{host} finance' as found"
    assert dict(os.environ) == before
