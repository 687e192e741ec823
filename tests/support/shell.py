"""`settle` as people and scripts run it, judged from outside: in a process of its own, or here."""

import gc
import io
import logging
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from orchestrator.cli import main
from orchestrator.config import PROJECT_ROOT

OURS = ("SETTLE_", "HALFIN_", "DBT_", "DAGSTER_")


@dataclass(frozen=True)
class Answer:
    """What a run left behind."""

    code: int
    out: str
    err: str


class Shell:
    """Runs `settle` with this home and these variables; whose tests these are does not matter."""

    def __init__(
        self,
        home: Path,
        *,
        patience_s: float = 600,
        project: Path = PROJECT_ROOT,
        **environment: str,
    ) -> None:
        self.home = home
        self._project = project
        self._patience_s = patience_s
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        self._environment = {**inherited, "SETTLE_HOME": str(home), **environment}

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            cwd=self._project,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str, **environment: str) -> Answer:
        """Whatever happens: a known exit code, and never a traceback."""
        with self.start(*arguments, **environment) as process:
            out, err = process.communicate(timeout=self._patience_s)
        assert "Traceback" not in out + err, err
        assert process.returncode in (0, 1, 2), err
        return Answer(process.returncode, out, err)

    def done(self, *arguments: str, **environment: str) -> str:
        """Exit 0; returns what was printed."""
        answer = self(*arguments, **environment)
        assert answer.code == 0, answer
        return answer.out

    def refused(self, *arguments: str, **environment: str) -> str:
        """Exit 1 with one line on stderr and nothing else; returns the line."""
        answer = self(*arguments, **environment)
        assert (answer.code, answer.out) == (1, ""), answer
        [line] = answer.err.splitlines()
        assert line.startswith("settle: "), line
        return line.removeprefix("settle: ")

    def misused(self, *arguments: str, **environment: str) -> str:
        """Exit 2; returns what was wrong, unfolded."""
        answer = self(*arguments, **environment)
        assert (answer.code, answer.out) == (2, ""), answer
        return " ".join(answer.err.replace("│", " ").split())


class ShellInProcess(Shell):
    """The same verbs in the process of the tests: for what they say and do, not for how they start.

    A process of its own imports for a second before it does anything, and for seven before a build.
    """

    def __call__(self, *arguments: str, **environment: str) -> Answer:
        out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
        ours = logging.getLogger("orchestrator")
        level = ours.level
        with (
            open(os.devnull, encoding="utf-8") as nothing,
            mock.patch.dict(os.environ, {**self._environment, **environment}, clear=True),
            mock.patch.object(sys, "argv", ["settle", *arguments]),
            mock.patch.object(sys, "stdin", nothing),
            chdir(PROJECT_ROOT),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            try:
                main()
                code: object = 0
            except SystemExit as end:
                code = end.code or 0
            finally:
                ours.setLevel(level)
                gc.enable()  # a verb with which its process ends leaves it off
        assert code in (0, 1, 2), code
        said, told = (s.buffer.getvalue().decode() for s in (out, err))  # type: ignore[attr-defined]
        return Answer(int(str(code)), said, told)
