"""Reading an archive's files."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

from tests.archive.closed_year import YEAR

FOLDER = f"archive-{YEAR}"


def manifest_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def rows_of(folder: Path, name: str) -> list[dict[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
