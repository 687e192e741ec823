"""A file that is there whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from orchestrator.errors import SettleError


@contextmanager
def whole_file(file: Path) -> Iterator[IO[str]]:
    """A stream whose text gets this name where the block ends, for its owner's eyes alone."""
    try:
        with NamedTemporaryFile(
            "w",
            dir=file.parent,
            prefix=f".{file.name}-",
            encoding="utf-8",
            newline="",
            delete=False,
        ) as stream:
            try:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                os.replace(stream.name, file)
            except BaseException:
                os.unlink(stream.name)
                raise
    except OSError as error:
        raise SettleError(
            f"{file} cannot be written ({error.strerror}): nothing is there"
        ) from error
