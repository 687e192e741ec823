"""What a small team runs: Dagster's pages and daemon, the receiver, what posts events, a rail."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

import httpx

from orchestrator.config import (
    LOCAL_RAIL,
    PAGES_URL_VARIABLE,
    Component,
    Environment,
    Settings,
)
from orchestrator.database.connection import connect, rows
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.errors import SettleError
from orchestrator.services.dagster_instance import make_history
from orchestrator.services.processes import process, settle_process

GRAPH = ("python", "-m", "orchestrator.services.graph_server")
MODULE = ("-m", "orchestrator.definitions")
START_TIMEOUT_S = 180.0
LOADED = """{ workspaceOrError { ... on Workspace { locationEntries {
  loadStatus locationOrLoadError { ... on PythonError { message } } } } } }"""


class Services:
    """Processes that run together: one that ends ends all of them."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings, self._stack = settings, stack
        self._environment = make_history(settings)
        self._running: dict[str, subprocess.Popen[str]] = {}

    def log(self, name: str) -> Path:
        return self._settings.home / f"{name}.log"

    def settle(self, name: str, *arguments: str) -> str:
        """Start `settle ARGUMENTS`; returns its URL."""
        started = settle_process(list(arguments), self._environment, self.log(name))
        self._running[name], url = self._stack.enter_context(started)
        return url

    def settle_quietly(self, name: str, *arguments: str) -> None:
        """Start `settle ARGUMENTS`, which listens nowhere."""
        command = [sys.executable, "-m", "orchestrator", *arguments]
        started = process(command, self._environment, self.log(name))
        self._running[name] = self._stack.enter_context(started)

    def pages_beside(self, webhooks: str) -> str:
        """Where the pages are, which the receiver shows too; what starts after this links there."""
        local = webhooks.removesuffix("/webhooks/halfin")
        return self._environment.setdefault(
            PAGES_URL_VARIABLE, os.environ.get(PAGES_URL_VARIABLE) or local
        )

    def dagster(self, name: str, *command_line: str) -> None:
        """Start one of Dagster's programs on our code location."""
        program, *arguments = command_line
        command = [str(Path(sys.executable).parent / program), *arguments, *MODULE]
        started = process(command, self._environment, self.log(name))
        self._running[name] = self._stack.enter_context(started)

    def wait_for_graph(self, url: str) -> None:
        """Until the page has the graph; raises SettleError where it does not load, or one ended."""
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            self.check()
            try:
                answer = httpx.post(f"{url}/graphql", json={"query": LOADED}, trust_env=False)
                [location] = answer.json()["data"]["workspaceOrError"]["locationEntries"]
            # Not listening, or nothing loaded yet.
            except (httpx.TransportError, ValueError, KeyError):
                time.sleep(0.2)
                continue
            found = location["locationOrLoadError"] or {}
            if found.get("message"):
                raise SettleError(f"the graph does not load: {found['message'].strip()}")
            if location["loadStatus"] == "LOADED":
                return
            time.sleep(0.2)
        raise SettleError(f"{url} does not answer; see {self.log('webserver')}")

    def check(self) -> None:
        """Raises SettleError where one has ended."""
        for name, running in self._running.items():
            if running.poll() is not None:
                raise SettleError(
                    f"the {name} ended with {running.returncode} and the others were stopped;"
                    f" see {self.log(name)}"
                )


def up(
    settings: Settings,
    *,
    port: int,
    read_only_port: int | None,
    receiver_port: int,
    tell: Callable[[str], None],
) -> None:
    """Run all of it until Ctrl-C or SIGTERM, then stop all of it.

    Raises SettleError where a port is taken, or one does not start, or ends by itself.
    """
    for wanted in filter(None, (receiver_port, port, read_only_port)):
        _refuse_taken(wanted)
    prepare_database(settings)
    set_clock(settings)
    with ExitStack() as stack, _stopped_by_a_signal() as is_stopped:
        services = Services(settings, stack)
        webhooks = services.settle("receiver", "serve", "--port", str(receiver_port))
        pages = services.pages_beside(webhooks)
        tell(f"Webhooks are received on {webhooks}")
        tell(f"The finance console is on {pages}/desk")
        if _needs_a_rail(settings):
            tell(f"The halfin sandbox listens on {_sandbox(settings, services, webhooks)}")
        if settings.events_url and not _is_copy(settings):
            services.settle_quietly("events", "post-events")
            tell(f"Events are posted to {settings.events_url}")
        services.dagster("daemon", "dagster-daemon", "run")
        services.dagster("webserver", *GRAPH, "-p", str(port))
        if read_only_port is not None:
            services.dagster("reading", *GRAPH, "--read-only", "-p", str(read_only_port))
        services.wait_for_graph(f"http://127.0.0.1:{port}")
        tell(f"The graph is on http://127.0.0.1:{port}")
        if read_only_port is not None:
            services.wait_for_graph(f"http://127.0.0.1:{read_only_port}")
            tell(f"The graph, to read only, is on http://127.0.0.1:{read_only_port}")
        tell("All of it runs until Ctrl-C.")
        while not is_stopped():
            services.check()
            time.sleep(0.2)


def _refuse_taken(port: int) -> None:
    """Before anything starts: what would end for it half a minute later says so in its log only."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise SettleError(
                f"port {port} is taken ({error.strerror}): nothing was started; end what listens"
                " there, or name another port (settle up --help)"
            ) from None


def _needs_a_rail(settings: Settings) -> bool:
    is_real = settings.environment is Environment.PRODUCTION
    return not is_real and settings.halfin_base_url == LOCAL_RAIL


def _is_copy(settings: Settings) -> bool:
    with connect(settings, Component.ORCHESTRATOR) as database:
        [found] = rows(
            database, "select copied_from is not null as is_copy from finance.installation"
        )
    return bool(found["is_copy"])


def _sandbox(settings: Settings, services: Services, webhooks: str) -> str:
    port = httpx.URL(LOCAL_RAIL).port
    books = settings.home / "sandbox.json"
    return services.settle(
        "sandbox", "sandbox", "--port", str(port), "--webhook-url", webhooks,
        "--state-file", str(books),
    )  # fmt: skip


@contextmanager
def _stopped_by_a_signal() -> Iterator[Callable[[], bool]]:
    """Whether somebody asked to stop; the first signal does not tear anything down half-way."""
    asked: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    before = {s: signal.signal(s, stop) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
