"""`settle export archive --check`: an archive compared with itself and with the database."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path
from typing import IO

from orchestrator.archive.contents import Content, built, evidence
from orchestrator.archive.manifest import NAME, File, Manifest, read_manifest
from orchestrator.archive.reading import Login, Reader, Year, open_reader
from orchestrator.archive.writing import BLOCK_BYTES, blocks
from orchestrator.config import Settings
from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import shown

BEYOND = "nothing"
LONGEST_FIELD = 1 << 30  # of a call with many lines
LONGEST_VALUE = 100  # that is shown: a wallet's or a hash's end may be what differs


def check_archive(
    settings: Settings, folder: Path, login: Login | None = None
) -> tuple[Manifest, list[str]]:
    """What the archive says of itself, and one line for each difference.

    Raises SettleError where it cannot be compared at all: no manifest, or another installation's.
    """
    manifest = read_manifest(folder)
    damaged = _damage(folder, manifest)
    differences = [*damaged.values(), *_strangers(folder, manifest)]
    with open_reader(settings, manifest.year, login) as reader:
        _refuse_others(folder, manifest, reader.year)
        differences += _of_year(manifest, reader)
        for part in (evidence(), built()):
            for content in part:
                is_whole = content.name not in damaged
                differences += _of_content(folder, manifest, content, reader, is_whole=is_whole)
            reader.end_snapshot()
    known = {content.name for content in [*evidence(), *built()]}
    differences += [
        f"{file.name}: this version of settle does not know it; compare with {manifest.settle}"
        for file in manifest.files
        if file.name not in known
    ]
    return manifest, differences


def _damage(folder: Path, manifest: Manifest) -> dict[str, str]:
    """The files that are not as they were written, by name."""
    damaged = {}
    for file in manifest.files:
        path = folder / file.file_name
        try:
            with path.open("rb") as packed:
                found = _hash(packed)
            if found != file.sha256:
                damaged[file.name] = f"{file.file_name}: was changed, its SHA-256 is {found}"
                continue
            with gzip.open(path) as text:
                found = _hash(text)
        except (OSError, EOFError, zlib.error) as error:
            reason = getattr(error, "strerror", None) or "it is not gzipped"
            damaged[file.name] = f"{file.file_name}: cannot be read ({reason})"
            continue
        if found != file.text_sha256:
            damaged[file.name] = f"{file.file_name}: was changed, its text's SHA-256 is {found}"
    return damaged


def _hash(stream: IO[bytes] | gzip.GzipFile) -> str:
    found = sha256()
    while block := stream.read(BLOCK_BYTES):
        found.update(block)
    return found.hexdigest()


def _strangers(folder: Path, manifest: Manifest) -> Iterator[str]:
    ours = {NAME, *(file.file_name for file in manifest.files)}
    for path in sorted(folder.iterdir()):
        if path.name not in ours:
            yield f"{shown(path.name)}: is in the folder, and not in the manifest"


def _refuse_others(folder: Path, manifest: Manifest, year: Year) -> None:
    if manifest.installation_id not in (year.installation_id, year.copied_from):
        raise SettleError(
            f"{folder} is of another installation ({manifest.installation_id}), and this database"
            f" is {year.installation_id}: nothing was compared"
        )


def _of_year(manifest: Manifest, reader: Reader) -> Iterator[str]:
    year = reader.year
    said = (manifest.windows, manifest.currency, manifest.settlement_timezone)
    found = (list(year.windows), year.currency, year.settlement_timezone)
    if said != found:
        yield (
            f"{NAME}: says {len(said[0])} windows in {said[1]} and {said[2]}, and the database has"
            f" {len(found[0])} in {found[1]} and {found[2]}"
        )
    if since := sorted(set(reader.erased_sellers()) - set(manifest.erased_sellers)):
        others = f" and {len(since) - 1} others" if since[1:] else ""
        yield (
            f"{since[0]}{others}: erased since, and in this archive as before: write the year"
            " again, and destroy this one and its copies"
        )


def _of_content(
    folder: Path, manifest: Manifest, content: Content, reader: Reader, *, is_whole: bool
) -> Iterator[str]:
    file = next((file for file in manifest.files if file.name == content.name), None)
    columns = reader.columns(content)
    if file is None:
        if rows := reader.figures(content).rows:
            yield f"{content.name}: is not in the archive, and the database has {rows} rows"
        return
    if gone := [name for name in file.columns if name not in columns]:
        yield f"{content.name}: the database has no column {', '.join(gone)} any more"
        return
    text = sha256()
    for block in blocks(reader.text(content, file.columns)):
        text.update(block)
    if text.hexdigest() != file.text_sha256:
        what = [*_figures(file, content, reader)]
        if is_whole:
            try:
                what += _first(folder / file.file_name, content, file.columns, reader)
            except (csv.Error, ValueError):
                what.append("its file has no such columns")
        yield f"{content.name}: {'; '.join(what or ['other rows'])}; {content.changes}"


def _figures(file: File, content: Content, reader: Reader) -> Iterator[str]:
    found = reader.figures(content)
    if found.rows != file.rows:
        yield f"{file.rows} rows, and {found.rows} in the database"
    for currency in sorted({*file.sums, *found.sums}):
        said, has = file.sums.get(currency, {}), found.sums.get(currency, {})
        for column in content.amounts:
            before, now = said.get(column, "0"), has.get(column, "0")
            if before != now:
                yield f"{column} in {currency} is {before}, and {now} in the database"


def _first(path: Path, content: Content, columns: Sequence[str], reader: Reader) -> Iterator[str]:
    """The first row that differs: rows are in one order in both."""
    names = content.key or columns
    csv.field_size_limit(LONGEST_FIELD)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as archived:
        rows = (row.decode() for row in reader.text(content, columns))
        for number, (before, now) in enumerate(zip_longest(csv.reader(archived), csv.reader(rows))):
            if before == now:
                continue
            keys = [_key(columns, names, row) for row in (before, now)]
            if keys[0] != keys[1]:
                yield f"first at row {number}: {keys[0]}, and {keys[1]} in the database"
            else:
                yield f"first at {keys[0]}: " + ", ".join(
                    f"{name} is {_value(a)}, and {_value(b)} in the database"
                    for name, a, b in zip(columns, before or (), now or (), strict=True)
                    if a != b
                )
            return


def _value(text: str) -> str:
    return shown(text, LONGEST_VALUE) if text else "empty"


def _key(columns: Sequence[str], names: Sequence[str], row: Sequence[str] | None) -> str:
    if row is None:
        return BEYOND
    values = dict(zip(columns, row, strict=True))
    return " ".join(filter(None, (shown(values[name]) for name in names if name in values)))
