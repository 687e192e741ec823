"""Folders, files and locks with exactly the mode asked for, durable and never through a link."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def exclusive(lock: Path, folder_mode: int) -> Iterator[None]:
    """Keep other processes and threads out; makes the lock's folder if need be."""
    make_folder(lock.parent, folder_mode)
    with open(open_file(lock), "w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def make_folder(folder: Path, mode: int) -> None:
    """Create the folder with exactly this mode; one that exists keeps its own."""
    if not folder.is_dir():
        folder.mkdir(mode, parents=True, exist_ok=True)
        folder.chmod(mode)


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
