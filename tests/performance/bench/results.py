"""What a benchmark hands back, and the table and JSON that are made of it."""

import json
import os
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil


@dataclass(frozen=True)
class Result:
    """One measured number: a median and its unit; what it is a multiple of, if anything; its goal.

    The goal is for the multiple where there is one, else for the number: `at_most` or `at_least`.
    """

    benchmark: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    ratio_of: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def goal(self) -> str:
        unit = self.ratio_of or self.unit
        if self.at_most is not None:
            return f"at most {self.at_most:g} {unit}"
        return f"at least {self.at_least:g} {unit}" if self.at_least is not None else ""

    @property
    def is_met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        measured = self.value if self.ratio is None else self.ratio
        if self.at_most is not None:
            return measured <= self.at_most
        return measured >= self.at_least if self.at_least is not None else None


def machine() -> str:
    """Size and load of this machine: numbers mean little without them."""
    memory = round(psutil.virtual_memory().total / 2**30)
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.system()}; load average {load}"


def write(folder: Path, results: list[Result], scale: str) -> str:
    """Write results.json and results.md; returns the table."""
    where = f"{datetime.now(UTC):%Y-%m-%d}; {machine()}; scale {scale}"
    lines = [where, "", "| benchmark | what | median | ratio | goal | met |"]
    lines.append("|---|---|---:|---|---|---|")
    for r in results:
        ratio = f"{r.ratio:.2f} x {r.ratio_of}" if r.ratio is not None else ""
        met = {True: "yes", False: "no", None: ""}[r.is_met]
        value = f"{r.value:,.2f} {r.unit}"
        lines.append(f"| {r.benchmark} | {r.what} | {value} | {ratio} | {r.goal} | {met} |")
    table = "\n".join(lines) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.md").write_text(table)
    found = [{**asdict(r), "goal": r.goal, "is_met": r.is_met} for r in results]
    document = {"machine": where, "results": found}
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n")
    return table
