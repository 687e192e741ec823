"""What the demo starts beside what it waits for: a machine has two cores."""

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path

from orchestrator.dbt.runner import without_collector
from orchestrator.errors import SettleError
from orchestrator.services.processes import process, service

FAILURE_RATE = 0.03
# The imports that the first close needs: Dagster and dbt, seconds of them.
NEEDED = ("orchestrator.services.run_job", "dbt.cli.main")


@contextmanager
def imported() -> Iterator[None]:
    """Meanwhile this process imports what the first close needs. A new server takes half a core."""
    with ThreadPoolExecutor(max_workers=1) as other:
        importing = other.submit(_import)
        yield
        importing.result()


def _import() -> None:
    with without_collector():
        for name in NEEDED:
            import_module(name)


@contextmanager
def made_ready(home: Path, environment: dict[str, str]) -> Iterator[None]:
    """Meanwhile what else the first close needs is made by `settle home` in a process of its own:
    the project parsed, and a history of runs.
    """
    log = home / "home.log"
    command = [sys.executable, "-m", "orchestrator", "home"]
    with process(command, environment, log) as making:
        yield
        if making.wait():
            raise SettleError(f"settle home failed; see {log}")


@contextmanager
def receiver_and_rail(home: Path, environment: dict[str, str]) -> Iterator[Callable[[], str]]:
    """They start meanwhile, in processes of their own; what it yields waits for them, and returns
    the URL of the rail.
    """
    with ExitStack() as running, ThreadPoolExecutor(max_workers=1) as other:

        def start() -> str:
            receiver = service(["serve", "--port", "0"], environment, home / "receiver.log")
            webhooks = running.enter_context(receiver)
            sandbox = [
                "sandbox", "--port", "0", "--webhook-url", webhooks,
                "--failure-rate", str(FAILURE_RATE),
                "--state-file", str(home / "sandbox.json"),
            ]  # fmt: skip
            return running.enter_context(service(sandbox, environment, home / "sandbox.log"))

        yield other.submit(start).result
