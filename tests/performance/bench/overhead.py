"""Where a close spends its time: Dagster, dbt with its tests, dbt alone, the SQL itself."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from orchestrator.config import PROJECT_ROOT
from orchestrator.dbt.project import prepare_dbt
from tests.performance.bench.place import (
    WINDOW,
    Size,
    median_seconds,
    model_seconds,
    place,
    seconds,
)
from tests.performance.bench.results import Result

SIZES = {"small": Size(100, 3, 5), "medium": Size(4000, 8, 5), "full": Size(4000, 8, 48)}


def run(scale: str) -> Iterator[Result]:
    size = SIZES[scale]
    with place() as here:
        here.fill(size)
        here.close_history()
        close = seconds(lambda: here.shell().done("close", WINDOW))
        environment = {**os.environ, **prepare_dbt(here.settings)}
        dbt = Path(sys.executable).parent / "dbt"

        def call(verb: str) -> None:
            subprocess.run([dbt, "--quiet", verb], cwd=PROJECT_ROOT, env=environment, check=True)

        build = median_seconds(lambda: call("build"), runs=1 if scale == "small" else 3)
        only = median_seconds(lambda: call("run"), runs=1 if scale == "small" else 3)
        models = model_seconds(here.home)
    for what, took in (("settle close", close), ("dbt build", build), ("dbt run", only)):
        yield Result("overhead", f"{what}, {size}", took, "s", took / models, "the models")
    yield Result("overhead", "the models, summed over threads", models, "s")
