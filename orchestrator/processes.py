"""Start our own services as processes of their own, and stop them again."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import SettleError


@contextmanager
def service(arguments: list[str], environment: Mapping[str, str], log: Path) -> Iterator[str]:
    """Run `settle ARGUMENTS`; yields the URL at the end of its first line, once it listens."""
    with log.open("ab") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "orchestrator", *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if "http://" not in line:
            raise SettleError(f"settle {arguments[0]} did not start; see {log}")
        yield line.split()[-1]
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
