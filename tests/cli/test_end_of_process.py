"""What a process of dbt or Dagster does once it has said its last line: next to nothing."""

import gc
import os
import subprocess
import sys

import pytest

from orchestrator.config import PROJECT_ROOT
from orchestrator.dbt.runner import without_collector

# What is registered first is called last. A list that holds itself stands for what dbt leaves.
SCRIPT = """
import atexit, gc
gc.disable()
atexit.register(lambda: print(len(gc.get_objects()), gc.get_freeze_count()))
import orchestrator.dbt.runner
left = [[] for _ in range(100_000)]
left.append(left)
"""


def test_what_is_left_is_not_looked_through_at_the_end() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=PROJECT_ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=True,
    )
    looked_at, left_alone = map(int, done.stdout.split())
    assert looked_at < 1_000
    assert left_alone > 100_000


@pytest.mark.parametrize("to_the_end", [False, True])
def test_cycles_are_looked_for_again_unless_the_process_ends(to_the_end: bool) -> None:
    assert gc.isenabled()
    try:
        with without_collector(to_the_end=to_the_end), without_collector():
            assert not gc.isenabled()
        assert gc.isenabled() is not to_the_end
    finally:
        gc.enable()
