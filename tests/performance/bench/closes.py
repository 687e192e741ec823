"""A close as a person waits for it: `settle close` of a cold process, and a run of the daemon."""

import statistics
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx

from orchestrator.settlement.windows import partition_key
from tests.performance.bench.place import NOW, Place, Size, place, seconds, window
from tests.performance.bench.results import Result
from tests.support.services import everything_up, free_port

SIZES = {"small": Size(100, 6, 5), "medium": Size(4000, 8, 5), "full": Size(4000, 16, 5)}
RUNS = {"small": 1, "medium": 2, "full": 5}
COLD_S, DAEMON_S = 12, 8
# As Dagster's own daemon and code server have settled.
SETTLED_S = 20
LAUNCH = """mutation($execution: ExecutionParams!) { launchRun(executionParams: $execution) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
RUN = """query($id: ID!) { runOrError(runId: $id) { ... on Run {
  status creationTime startTime endTime } } }"""
SELECTOR = {
    "repositoryLocationName": "orchestrator.definitions",
    "repositoryName": "__repository__",
    "jobName": "close",
}


def run(scale: str) -> Iterator[Result]:
    size, runs = SIZES[scale], RUNS[scale]
    with place() as here:
        here.fill(size)

        def close(weeks_ago: int) -> float:
            """Everything that had ended by then: once history is closed, one window."""
            return seconds(lambda: here.shell(NOW - timedelta(weeks=weeks_ago)).done("close"))

        close(2 * runs + 1)
        close(2 * runs)  # the first one after a history makes the views anew
        cold = [close(n) for n in reversed(range(runs, 2 * runs))]
        ran, waited = zip(
            *_by_daemon(here, [window(n) for n in reversed(range(runs))]), strict=True
        )
    cold_s, daemon_s = (COLD_S, DAEMON_S) if scale == "full" else (None, None)
    what = f"settle close of a cold process, {size}"
    yield Result("closes", what, statistics.median(cold), "s", at_most=cold_s)
    what = "a run of the daemon, from its start to its end"
    yield Result("closes", what, statistics.median(ran), "s", at_most=daemon_s)
    what = "from when it was asked for"
    yield Result("closes", what, statistics.median(waited), "s", at_most=daemon_s)


def _by_daemon(here: Place, windows: list[str]) -> list[tuple[float, float]]:
    """Of each close in turn: seconds it ran, and seconds since it was asked for on the graph."""
    port = free_port()
    graph = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)

    def ask(query: str, **variables: Any) -> dict[str, Any]:
        answer = graph.post("/graphql", json={"query": query, "variables": variables}).json()
        [found] = answer["data"].values()
        return dict(found)

    took = []
    with graph, everything_up(here.shell(), "--port", str(port)):
        time.sleep(SETTLED_S)
        for name in windows:
            tags = [{"key": "dagster/partition", "value": partition_key(name)}]
            launched = ask(
                LAUNCH,
                execution={
                    "selector": SELECTOR,
                    "runConfigData": {},
                    "executionMetadata": {"tags": tags},
                },
            )
            assert "run" in launched, launched
            while not (done := ask(RUN, id=launched["run"]["runId"]))["endTime"]:
                time.sleep(0.2)
            assert done["status"] == "SUCCESS", (name, done)
            took.append(
                (done["endTime"] - done["startTime"], done["endTime"] - done["creationTime"])
            )
    return took
