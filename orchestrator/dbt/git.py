"""The dbt project as it was at a commit, beside the working tree."""

import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from orchestrator.config import PROJECT_ROOT
from orchestrator.errors import SettleError

DBT_FILES = ("dbt_project.yml", "macros", "models", "seeds", "snapshots", "tests/dbt")


def fork_point(reference: str) -> str:
    """The commit at which the working tree left `reference`."""
    return _git("merge-base", "HEAD", reference).decode().strip()


@contextmanager
def project_at(commit: str) -> Iterator[Path]:
    """A folder with the dbt project of that commit, gone afterwards."""
    files = _git("archive", "--format=tar", commit, *DBT_FILES)
    with TemporaryDirectory(prefix="settle-base-") as folder:
        with tarfile.open(fileobj=BytesIO(files)) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)


def _git(*arguments: str) -> bytes:
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["git", *arguments],  # noqa: S607
            cwd=PROJECT_ROOT,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise SettleError("git is not installed: a change is compared with a commit") from None
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["no reason"])[0]
        raise SettleError(f"git {arguments[0]} {arguments[-1]}: {said}; name a commit that exists")
    return done.stdout
