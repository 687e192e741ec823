"""The records of a processor's report, as text. What its values mean is decided in SQL."""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import MAX_SHOWN
from orchestrator.loading.imports.formats import Records

if TYPE_CHECKING:
    import _csv

DELIMITERS = ",;\t|"
_BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}


@dataclass(frozen=True)
class Spelling:
    """How a file is written: what stands between its fields, and its encoding."""

    delimiter: str
    encoding: str


@dataclass(frozen=True)
class ReportRow:
    """One record: the line it starts on, what names its order and seller, its columns in order."""

    line: int
    order_key: str | None = None
    seller_key: str | None = None
    values: Sequence[str | None] = ()
    fault: str | None = None


@dataclass(frozen=True)
class Keys:
    """The headings that name a row's order and seller, and those of them that must be there."""

    order: tuple[str, ...]
    seller: tuple[str, ...]
    needed: tuple[str, ...] = ()


def spelling_of(path: Path, records: Records, delimiter: str, encoding: str | None) -> Spelling:
    """How a report is written, of which these are the usual delimiter and what the caller said.

    A byte order mark says the encoding; else it is the one given, or UTF-8. Where the headings are
    separated by another mark than usual (a spreadsheet saved the file), that one is taken.
    """
    with path.open("rb") as file:
        start = file.read(3)
    marked = (name for mark, name in _BYTE_ORDER_MARKS.items() if start.startswith(mark))
    encoding = next(marked, encoding or "utf-8")
    wanted = set(_needed(records))
    with _clear_errors(path, encoding), path.open(encoding=encoding, newline="") as file:
        tag = records.header_tag or ""
        heading = next((line for line in file if line.strip() and tag in line), "")
    for mark in delimiter + DELIMITERS:
        if wanted <= set(map(_heading, next(csv.reader([heading], delimiter=mark), []))):
            return Spelling(mark, encoding)
    return Spelling(delimiter, encoding)


def read_report(
    path: Path, records: Records, spelling: Spelling, *, keys: Keys | None = None
) -> Iterator[ReportRow]:
    """Stream the records of one kind.

    Raises SettleError where the file cannot be read as such a report at all.
    """
    with (
        _clear_errors(path, spelling.encoding),
        path.open(encoding=spelling.encoding, newline="") as file,
    ):
        reader = csv.reader(file, delimiter=spelling.delimiter, strict=True)
        try:
            yield from _rows(path, reader, records, keys)
        except csv.Error as error:
            raise SettleError(f"{path.name}:{reader.line_num}: {error}; export it again") from error


@contextmanager
def _clear_errors(path: Path, encoding: str) -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise SettleError(
            f"{path.name}: is not {encoding}; say --encoding, cp1252 for instance"
        ) from error
    except LookupError as error:
        raise SettleError(
            f"{encoding} is not an encoding; cp1252 is one, utf-16 another"
        ) from error


def _rows(
    path: Path, reader: "_csv.Reader", records: Records, keys: Keys | None
) -> Iterator[ReportRow]:
    header = ["", *records.columns] if records.is_positional else None
    places: _Places | None = _Places(path, header, records, keys) if header else None
    begins_on = 1
    for record in reader:
        line, begins_on = begins_on, reader.line_num + 1
        if not any(record):
            continue
        if header is None or places is None:
            if records.header_tag in (None, record[0]):
                header = record
                places = _Places(path, header, records, keys)
        elif records.tag in (None, record[0]):
            if places.is_ragged(record):
                yield ReportRow(line, fault=f"has {len(record)} fields instead of {len(header)}")
            else:
                yield places.row(line, record)
    if header is None:
        raise SettleError(
            f"{path.name}: has no line that begins with {records.header_tag}; is it this report?"
            if records.header_tag
            else f"{path.name}: is empty; its first line must name the columns"
        )


class _Places:
    """Where in a record each column is."""

    def __init__(self, path: Path, header: list[str], records: Records, keys: Keys | None) -> None:
        headings = [_heading(name) for name in header]
        self._is_positional = records.is_positional
        self._width = len(header)
        needed = [*_needed(records), *(keys.needed if keys else ())]
        missing = [heading for heading in needed if heading not in headings]
        if missing:
            raise SettleError(
                f"{path.name}: has no column {', '.join(missing)}; export the report with it"
                f" (its columns are {', '.join(name[:MAX_SHOWN] for name in headings)})"
            )
        if twice := next((h for h in needed if headings.count(h) > 1), None):
            raise SettleError(f"{path.name}: column {twice} is there twice; keep one")
        self._columns = [
            [headings.index(heading) for heading in pieces if heading in headings]
            for pieces, _ in records.columns.values()
        ]
        named = (keys.order, keys.seller) if keys else ()
        self._keys = [[headings.index(h) for h in tried if h in headings] for tried in named]

    def is_ragged(self, record: Sequence[str]) -> bool:
        """Reports leave out empty fields at a line's end, and are not wider than their heading."""
        return len(record) > self._width and not self._is_positional

    def row(self, line: int, record: Sequence[str]) -> ReportRow:
        def value(place: int) -> str | None:
            return None if place >= len(record) else record[place].strip()

        def joined(places: Sequence[int]) -> str | None:
            pieces = list(filter(None, map(value, places)))
            return " ".join(pieces) if pieces else next(map(value, places), None)

        if any("\0" in field for field in record):
            return ReportRow(line, fault="has a NUL character; remove it or fix the export")
        order_key, seller_key = [
            next(filter(None, map(value, places)), None) for places in self._keys
        ] or (None, None)
        return ReportRow(line, order_key, seller_key, [joined(places) for places in self._columns])


def _needed(records: Records) -> list[str]:
    """The headings that must be there."""
    return [
        heading
        for pieces, column in records.columns.values()
        if not column.absent
        for heading in pieces
    ]


def _heading(name: str) -> str:
    return " ".join(name.split())
