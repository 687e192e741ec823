"""The SQL of models, as dbt compiled it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any


def compiled(manifest: Mapping[str, Any], target: Path) -> Iterator[tuple[str, str]]:
    """The id and the statement of each model that was compiled into the folder."""
    for unique_id, node in manifest["nodes"].items():
        file = target / "compiled" / node["package_name"] / node["original_file_path"]
        if node["resource_type"] == "model" and file.is_file():
            yield unique_id, file.read_text(encoding="utf-8")
