"""Homes with a server in them: made once for all workers, and copied where somebody needs one."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.secret_files import exclusive

# Where the workers find what one of them has made; whoever starts them makes it and removes it.
TEMPLATES = "TESTS_OF_SETTLE_TEMPLATES"
# Where Linux keeps files in memory, and how much of it must be free: nothing here outlives a test.
MEMORY, ENOUGH = Path("/dev/shm"), 6 * 2**30  # noqa: S108 - mkdtemp makes folders of our own
# What holds for the next home at the same place too: dbt parses again when it is told to connect
# elsewhere, which takes longer than to build, and both see for themselves what is out of date.
STAYS = ("partial_parse.msgpack", "column_lineage.json")


@functools.cache
def away_from_disks() -> str | None:
    """Where folders of servers are made: in memory, or where the system has its temporary ones."""
    if "TMPDIR" in os.environ or not MEMORY.is_dir():
        return None
    return str(MEMORY) if shutil.disk_usage(MEMORY).free > ENOUGH else None


def open_folder(prefix: str) -> Path:
    """A folder that the server's own user may enter, gone at exit."""
    folder = Path(tempfile.mkdtemp(prefix=f"settle-{prefix}-", dir=away_from_disks()))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def open_home(prefix: str) -> Path:
    """The same with a server in it, or before there is one."""
    home = open_folder(prefix)
    atexit.register(EmbeddedPostgres(home).stop)
    return home


def share_templates() -> None:
    """What is made once is for this process and all that it starts, and gone with it."""
    if TEMPLATES not in os.environ:
        os.environ[TEMPLATES] = str(open_folder("templates"))


@functools.cache
def place() -> Path:
    """The folder of this process in which homes of one name stand one after another."""
    return open_folder("tests")


def copy_home(name: str, make: Callable[[Path], None], home: Path) -> None:
    """Put at `home` what `make` makes of an empty folder, its server running.

    The first who asks for the name makes it, and the others wait for that: all workers together.
    """
    share_templates()
    templates = Path(os.environ[TEMPLATES])
    template = templates / name
    with exclusive(templates / f"{name}.lock", 0o755):
        if not template.exists():
            draft = Path(tempfile.mkdtemp(prefix=name, dir=templates))
            draft.chmod(0o755)
            try:
                make(draft)
            finally:
                EmbeddedPostgres(draft).stop()
            has_all = (draft / "postgres").is_dir()
            assert has_all, f"the server's user cannot enter {templates}: choose another TMPDIR"
            draft.rename(template)
    home.mkdir(mode=0o755, exist_ok=True)
    atexit.register(EmbeddedPostgres(home).stop)
    # cp, as the server's data keeps its owner.
    subprocess.run(["cp", "-a", f"{template}/.", home], check=True)
    EmbeddedPostgres(home).start()


def clear_home(home: Path) -> None:
    """Stop the server and remove everything but what stays."""
    EmbeddedPostgres(home).stop()
    clear_folder(home)


def clear_folder(home: Path) -> None:
    """The same where the server is another's."""
    for path in sorted(home.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path.name not in STAYS:
            path.unlink()
