"""`settle up` as a test runs it."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.shell import Shell

# Another rail may listen on the usual port of this machine.
ELSEWHERE = {"HALFIN_BASE_URL": "http://127.0.0.1:1/api"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def everything_up(shell: Shell, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`settle up` until it says that all of it runs; the test's own end is a Ctrl-C."""
    with shell.start("up", "--receiver-port", "0", *arguments, **ELSEWHERE) as running:
        try:
            assert running.stdout
            said = []
            for line in running.stdout:
                said.append(line)
                if line.startswith("All of it runs"):
                    break
            else:
                pytest.fail(f"settle up ended: {said} {running.communicate()}")
            yield running
        finally:
            running.send_signal(signal.SIGINT)
            assert running.wait(timeout=60) == 0
