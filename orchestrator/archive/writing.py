"""`settle export archive --year`: a folder that is there whole, or not at all."""

import gzip
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import IO

from orchestrator.archive import manifest
from orchestrator.archive.contents import Content, built, evidence
from orchestrator.archive.manifest import File, Manifest
from orchestrator.archive.reading import Figures, Login, Reader, open_reader
from orchestrator.config import Settings
from orchestrator.errors import SettleError

BLOCK_BYTES = 1 << 18
LEVEL = 6  # of gzip


def write_archive(
    settings: Settings, number: int, to: Path, login: Login | None = None
) -> tuple[Path, str]:
    """The folder of the year's archive, for its owner's eyes alone, and its manifest's SHA-256.

    Raises SettleError where the folder is there, or a window of the year is not closed yet.
    """
    folder = to / f"archive-{number}"
    if folder.exists():
        raise SettleError(f"{folder} is there already: move it away, or say --to")
    with open_reader(settings, number, login) as reader:
        _refuse_open(reader, number)
        with _whole_folder(folder) as temporary:
            written = [_write(reader, content, temporary) for content in evidence()]
            erased = reader.erased_sellers()
            reader.end_snapshot()
            written += [_write(reader, content, temporary) for content in built()]
            text = _manifest(reader, number, erased, written).text().encode()
            with _new_file(temporary / manifest.NAME) as stream:
                stream.write(text)
    return folder, sha256(text).hexdigest()


def _refuse_open(reader: Reader, number: int) -> None:
    year = reader.year
    if not year.is_closed:
        raise SettleError(
            f"{number} can change until window {year.last_window} is closed, which has its last"
            f" instant in {year.settlement_timezone}; the latest close is of {year.latest_close}"
        )


def _manifest(
    reader: Reader, number: int, erased: list[str], written: list[tuple[File, Figures]]
) -> Manifest:
    year = reader.year
    return Manifest(
        format=manifest.FORMAT,
        settle=version("settle"),
        installation_id=year.installation_id,
        year=number,
        settlement_timezone=year.settlement_timezone,
        currency=year.currency,
        starts_at=year.starts_at,
        ends_at=year.ends_at,
        as_of=manifest.latest([figures.recorded_at for _, figures in written]),
        windows=list(year.windows),
        erased_sellers=erased,
        files=[file for file, _ in written],
    )


def _write(reader: Reader, content: Content, folder: Path) -> tuple[File, Figures]:
    columns = reader.columns(content)
    figures = reader.figures(content)
    path = folder / content.file_name
    written, text = sha256(), sha256()
    # No name and no time in it: the same rows are the same bytes.
    with _new_file(path) as stream, gzip.GzipFile("", "wb", LEVEL, stream, mtime=0) as zipped:
        for block in blocks(reader.text(content, columns)):
            text.update(block)
            zipped.write(block)
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            written.update(block)
    return File(
        name=content.name,
        relation=".".join(content.relation),
        columns=columns,
        rows=figures.rows,
        sums=figures.sums,
        bytes=path.stat().st_size,
        sha256=written.hexdigest(),
        text_sha256=text.hexdigest(),
    ), figures


def blocks(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in larger pieces."""
    block = bytearray()
    for piece in pieces:
        block += piece
        if len(block) >= BLOCK_BYTES:
            yield bytes(block)
            block.clear()
    yield bytes(block)


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A folder that gets this name where the block ends."""
    try:
        temporary = Path(mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        try:
            yield temporary
            _sync(temporary)
            os.rename(temporary, folder)
            _sync(folder.parent)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    except OSError as error:
        raise SettleError(
            f"{folder} cannot be written ({error.strerror}): nothing is there"
        ) from error


@contextmanager
def _new_file(path: Path) -> Iterator[IO[bytes]]:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        yield stream
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
