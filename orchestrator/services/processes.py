"""Start our own services as processes of their own, and stop them again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from orchestrator.errors import SettleError
from orchestrator.secret_files import open_file

STOP_TIMEOUT_S = 15.0
LONGEST_LOG = 16 * 2**20  # bytes; what is longer becomes NAME.1 at the next start


@contextmanager
def service(arguments: list[str], environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Run `settle ARGUMENTS`; yields the URL at the end of its first line, once it listens."""
    with settle_process(arguments, environment, log) as (_, url):
        yield url


@contextmanager
def settle_process(
    arguments: list[str], environment: Mapping[str, str], log: Path
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`service` with its process."""
    command = [sys.executable, "-m", "orchestrator", *arguments]
    with process(command, environment, log, stdout=subprocess.PIPE) as running:
        line = running.stdout.readline() if running.stdout else ""
        if "http://" not in line:
            raise SettleError(f"settle {arguments[0]} did not start; see {log}")
        yield running, line.split()[-1]


@contextmanager
def process(
    command: list[str], environment: Mapping[str, str], log: Path, stdout: int | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a session of its own: a Ctrl-C reaches us alone, and we stop it in order.

    It and whatever it started is gone at the end. Errors, and its output unless `stdout` says
    otherwise, are appended to the log.
    """
    if log.exists() and log.stat().st_size > LONGEST_LOG:
        log.replace(f"{log}.1")
    with open(open_file(log, os.O_APPEND), "ab") as written:  # it may name sellers
        running = subprocess.Popen(  # noqa: S603 - our own command
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=written if stdout is None else stdout,
            stderr=written,
            text=True,
            start_new_session=True,
        )
    try:
        yield running
    finally:
        _stop(running)


def _stop(running: subprocess.Popen[str]) -> None:
    running.terminate()
    try:
        running.wait(timeout=STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    with suppress(ProcessLookupError):  # what it left behind, if anything
        os.killpg(running.pid, signal.SIGTERM)
    stream: IO[str] | None = running.stdout
    if stream:
        stream.close()
