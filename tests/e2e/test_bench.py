"""`make bench` at its smallest: it measures, checks itself, and writes its table."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.config import PROJECT_ROOT
from tests.performance.bench.limit import equal_rows
from tests.performance.bench.place import Size, place


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.performance.bench", *arguments],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.many("a marketplace of its own, and nothing that is about money")
def test_a_benchmark_ends_in_a_table_and_json(tmp_path: Path) -> None:
    done = bench("generating", "webhooks", "--scale", "small", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())["results"]
    assert {r["benchmark"] for r in results} == {"generate", "webhooks"}
    assert all(r["value"] > 0 for r in results)
    [receiver] = [r for r in results if r["what"] == "receiver"]
    assert receiver["ratio"] > 0
    assert "| webhooks | receiver |" in (tmp_path / "results.md").read_text()


@pytest.mark.nightly("four weeks are generated, closed and built for it")
def test_the_hand_written_statement_has_the_rows_of_the_models() -> None:
    """What the models are measured against computes the same, or no figure of it means anything."""
    with place() as here:
        here.fill(Size(sellers=60, weeks=4, orders=5))
        here.close_history()
        here.build_models()
        with here.connect() as database:
            rows = equal_rows(database)
    assert len(rows) > 50


def test_a_cluster_is_measured_where_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SETTLE_TEST_CITUS_URL", raising=False)
    done = bench("cluster", "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "SETTLE_TEST_CITUS_URL is not set: no cluster was measured" in done.stdout


def test_an_unknown_benchmark_is_named() -> None:
    done = bench("hopes")
    assert done.returncode == 2
    assert "no benchmark is called hopes" in done.stderr
