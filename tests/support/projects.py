"""Copies of the dbt project."""

import shutil
from pathlib import Path

from orchestrator.config import PROJECT_ROOT
from orchestrator.dbt.git import DBT_FILES


def changed_project(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the dbt project in which one text of one file is another."""
    for name in DBT_FILES:
        source, target = PROJECT_ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, target)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder
