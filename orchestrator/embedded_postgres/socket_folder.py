"""The folder in which the embedded Postgres listens, and the lock files that say who does."""

import os
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from orchestrator.embedded_postgres.system_user import ServerUser
from orchestrator.errors import SettleError

PORT = 5432  # only in the socket's name: the server has no TCP port
SOCKET = f".s.PGSQL.{PORT}"


def choose_socket_folder(user: ServerUser, server_id: str) -> Path:
    """Choose where the next start listens; short, as a socket's path has 103 bytes at most."""
    name = f"settle-{user.uid}-{server_id}"
    for parent in (os.environ.get("XDG_RUNTIME_DIR", ""), tempfile.gettempdir()):
        usable = 0 < len(os.fsencode(parent)) <= 50 and os.access(parent, os.W_OK)
        if usable and user.can_enter(Path(parent)):
            return Path(parent).resolve() / name
    return Path("/tmp") / name  # noqa: S108 - prepare_socket_folder refuses a foreign one


def prepare_socket_folder(folder: Path, user: ServerUser, data: Path) -> None:
    """Make it the server user's, 0700 and free of what a crash left; refuse a foreign one."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise SettleError(f"the socket folder {folder} is not ours: remove it") from error
    try:
        if os.fstat(descriptor).st_uid not in (user.uid, os.geteuid()):
            raise SettleError(f"the socket folder {folder} belongs to another user: remove it")
        os.fchown(descriptor, user.uid, user.gid)
        os.fchmod(descriptor, 0o700)
        # A server whose home was deleted under it would take the new one's socket down later.
        orphan = folder / f"{SOCKET}.lock"
        if lines := lock_file_lines(orphan, data):
            os.kill(int(lines[0]), signal.SIGQUIT)
            deadline = time.monotonic() + 30
            while lock_file_lines(orphan, data) and time.monotonic() < deadline:
                time.sleep(0.05)
        for name in (SOCKET, f"{SOCKET}.lock"):
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=descriptor)
    finally:
        os.close(descriptor)


def lock_file_lines(file: Path, data: Path) -> list[str]:
    """Return the lines of a Postgres lock file if it names a live server of `data`, else none."""
    try:
        lines = file.read_text().splitlines()
        command = psutil.Process(int(lines[0])).cmdline()
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return []
    ours = command[1:3] == ["-D", str(data)] and Path(command[0]).name == "postgres"
    return lines if ours else []
