"""Files that only their owner reads, and the generated secrets kept in them off production."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.config import Environment, Settings
from orchestrator.errors import SettleError


@contextmanager
def exclusive(lock: Path, folder_mode: int) -> Iterator[None]:
    """Keep other processes and threads out; makes the lock's folder if need be."""
    make_folder(lock.parent, folder_mode)
    with open(open_file(lock), "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def make_folder(folder: Path, mode: int) -> None:
    """Create the folder with exactly this mode, and what is missing above it for its owner alone.

    One that exists keeps its mode; SettleError where others may put files of theirs into it.
    """
    if folder.is_dir():
        _refuse_others(folder)
        return
    if not folder.parent.is_dir():
        make_folder(folder.parent, home_mode())
    folder.mkdir(mode, exist_ok=True)
    folder.chmod(mode)  # whatever the umask


def _refuse_others(folder: Path) -> None:
    """What somebody else can plant there is read as ours: a secret that they know, a profile."""
    found = folder.stat()
    owners = {folder.lstat().st_uid, found.st_uid} - {0, os.geteuid()}
    if owners and os.geteuid() != 0:
        raise SettleError(f"{folder} is another user's: use a SETTLE_HOME of your own")
    if found.st_mode & stat.S_IWOTH and not found.st_mode & stat.S_ISVTX:
        raise SettleError(f"everybody may write in {folder}: chmod o-w it, and look what is there")


def home_mode() -> int:
    """Of a home: as root the server runs as another user, who passes through and lists nothing."""
    return 0o711 if os.geteuid() == 0 else 0o700


def open_file(file: Path, flags: int = 0, mode: int = 0o600) -> int:
    """Open for writing, made if need be, never through a symbolic link."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | flags, mode)
    os.fchmod(descriptor, mode)  # whatever the umask
    return descriptor


def write(descriptor: int, text: str) -> None:
    """Write, make durable, close."""
    with open(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)


def generated_secret(settings: Settings, variable: str, prefix: str = "") -> str:
    """The secret that stands in for an unset variable, the same for all processes of this home.

    Raises SettleError in production, where a secret comes from outside.
    """
    if settings.environment is Environment.PRODUCTION:
        raise SettleError(f"{variable} is not set: production takes no generated secret")
    folder = settings.home / "secrets"
    make_folder(folder, 0o700)
    return read_or_create(folder / variable.lower(), prefix + secrets.token_hex(32))


def read_or_create(path: Path, value: str) -> str:
    """The text of the file, which gets this value where there is none.

    Atomic: of two processes that start at once, both read the same.
    """
    if not path.exists():
        scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        write(open_file(scratch, os.O_EXCL), value)
        try:
            path.hardlink_to(scratch)
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    return path.read_text(encoding="ascii")
