"""The contract of imports in pyproject.toml fails where an import breaks it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT

LINT_IMPORTS = Path(sys.executable).parent / "lint-imports"


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("errors.py", "from orchestrator.web import render", "Folders only look down"),
        ("web/labels.py", "from orchestrator.dbt import project", "Pages and webhooks stand on"),
        ("settlement/pay.py", "import dagster", "The week's steps need no Dagster"),
        ("web/webhooks.py", "from orchestrator.web import render", "What takes webhooks carries"),
        ("cli/week.py", "import dagster", "The command line reaches Dagster through"),
    ],
)
def test_an_import_that_breaks_the_contract_is_named(
    tmp_path: Path, module: str, line: str, broken: str
) -> None:
    shutil.copytree(PROJECT_ROOT / "orchestrator", tmp_path / "orchestrator")
    shutil.copyfile(PROJECT_ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    file = tmp_path / "orchestrator" / module
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = subprocess.run(
        [LINT_IMPORTS, "--no-logo", "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    verdicts = [line for line in done.stdout.splitlines() if line.endswith((" KEPT", " BROKEN"))]
    assert any(v.startswith(broken) and v.endswith(" BROKEN") for v in verdicts), done.stdout
    assert line.split()[1] in done.stdout
