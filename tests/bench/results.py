"""What a benchmark hands back, and the table and JSON that are made of it."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Result:
    """One measured number: a median, its unit, and the median it is a multiple of, if any."""

    benchmark: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    ratio_of: str = ""


def machine() -> str:
    """Size and load of this machine: numbers mean little without them."""
    memory = psutil.virtual_memory().total // 2**30
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{os.cpu_count()} cores, {memory} GB, {platform.system()}; load average {load}"


def write(folder: Path, results: list[Result], scale: str) -> str:
    """Write results.json and results.md; returns the table."""
    where = f"{machine()}; scale {scale}"
    lines = [where, "", "| benchmark | what | median | ratio |", "|---|---|---:|---|"]
    for r in results:
        ratio = f"{r.ratio:.2f} x {r.ratio_of}" if r.ratio is not None else ""
        lines.append(f"| {r.benchmark} | {r.what} | {r.value:,.2f} {r.unit} | {ratio} |")
    table = "\n".join(lines) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(table)
    document = {"machine": where, "results": [asdict(r) for r in results]}
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    return table
