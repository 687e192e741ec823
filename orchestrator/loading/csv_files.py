"""The CSV files `settle load` takes (sources.yml), and how a file becomes numbered rows of text.

What makes a value good or bad is decided in SQL (sql/check.sql), by the kind named here.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO

from orchestrator.yaml_files import read_yaml

MAX_SHOWN = 40


class Kind(StrEnum):
    """What a column holds."""

    NAME = "name"  # an id or a code: never empty
    TEXT = "text"  # anything, also nothing
    AMOUNT = "amount"
    MINIMUM = "minimum"
    INSTANT = "instant"
    FLAG = "flag"
    STATUS = "status"
    SCHEDULE = "schedule"


class Absent(StrEnum):
    """What is stored where a value is missing, and with it the column."""

    NOTHING = "nothing"
    NOW = "now"
    TRUE = "true"
    WEEKLY = "weekly"


_TYPES = {
    Kind.AMOUNT: "numeric",
    Kind.MINIMUM: "numeric",
    Kind.INSTANT: "timestamptz",
    Kind.FLAG: "boolean",
}


@dataclass(frozen=True)
class Column:
    """What a column of a file holds, and whether it or a value of it may be missing."""

    kind: Kind
    may_be_empty: bool = False
    absent: Absent | None = None

    @classmethod
    def of(cls, words: str) -> "Column":
        """A column as sources.yml describes it."""
        if words.endswith(" or empty"):
            return cls(Kind(words.removesuffix(" or empty")), may_be_empty=True)
        kind, _, absent = words.partition(" else ")
        return cls(Kind(kind), bool(absent), Absent(absent) if absent else None)

    @property
    def typed(self) -> str:
        """The SQL expression that turns the column's text, `{}`, into its type."""
        value = "nullif({}, '')" if self.may_be_empty else "{}"
        if self.kind in _TYPES:
            value += f"::{_TYPES[self.kind]}"
        if self.absent in (Absent.TRUE, Absent.WEEKLY):
            value = f"coalesce({value}, '{self.absent}')"
        return value


@dataclass(frozen=True)
class Source:
    """One source table and the file it is loaded from; the first column is the id of a row."""

    table: str
    columns: dict[str, Column]

    @property
    def file_name(self) -> str:
        return f"{self.table}.csv"

    @property
    def id(self) -> str:
        return next(iter(self.columns))

    @property
    def happened(self) -> str:
        """The column of a fact with the instant at which it happened: the first instant."""
        return next(name for name, column in self.columns.items() if column.kind is Kind.INSTANT)

    @property
    def amount(self) -> str:
        """The column of a fact with its amount: the first amount."""
        return next(name for name, column in self.columns.items() if column.kind is Kind.AMOUNT)

    @property
    def key(self) -> list[str]:
        """The columns of the primary key: ids are unique within a seller."""
        return list(dict.fromkeys(["seller_id", self.id]))


SELLERS, *FACTS = SOURCES = [
    Source(table, {name: Column.of(words) for name, words in columns.items()})
    for table, columns in read_yaml(Path(__file__).with_name("sources.yml")).items()
]
FILE_NAMES = ", ".join(source.file_name for source in SOURCES)


@dataclass(frozen=True)
class Row:
    """One record: the line it starts on, and its values in the source's order of columns.

    A record whose structure is broken has a `fault` (what is wrong, and what to do) and no values.
    """

    line: int
    values: Sequence[str | None] = ()
    fault: str | None = None


def read_rows(path: Path, source: Source) -> Iterator[Row]:
    """Stream the records of a CSV file; broken ones come as faults, and nothing is raised for them.

    UTF-8 with or without a byte order mark, any line ends, blank lines skipped. A column that the
    file does not have is None in every row.
    """
    # Bytes that are not UTF-8 are let through as surrogates, so that they can be named by line.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        lines = _Lines(file)
        reader = csv.reader(lines, strict=True)
        header: list[str] | None = None
        order: list[int | None] = []
        while True:
            starts_on = reader.line_num + 1
            try:
                record = next(reader, None)
            except csv.Error as error:
                yield Row(starts_on, fault=_quoting_fault(error))
                return
            if record is None:
                break
            if not record:
                continue
            if lines.fault:
                yield lines.fault
                lines.fault = None
                if header is None:
                    return
            elif header is None:
                header = record
                faults = header_faults(header, source)
                yield from (Row(starts_on, fault=fault) for fault in faults)
                if faults:
                    return
                order = [header.index(c) if c in header else None for c in source.columns]
            elif len(record) != len(header):
                yield Row(starts_on, fault=_ragged_fault(len(record), len(header)))
            else:
                yield Row(starts_on, [None if i is None else record[i] for i in order])
        if header is None:
            yield Row(1, fault="the file is empty; its first line must name the columns")


def source_of_header(path: Path) -> Source | None:
    """The source table whose columns a file of another name has, if there is one."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        try:
            header = next(filter(None, csv.reader(file)), [])
        except csv.Error:
            return None
    return next((source for source in SOURCES if not _missing(header, source)), None)


def _missing(header: Sequence[str], source: Source) -> list[str]:
    return [n for n, column in source.columns.items() if n not in header and not column.absent]


def header_faults(header: Sequence[str], source: Source) -> list[str]:
    """What is wrong with a header, a clause each; nothing where it is good."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t|"):
        return ["the columns are not separated by commas; export the file with commas"]
    faults = [
        f"column {name} is missing; add it to the header and to each row"
        for name in _missing(header, source)
    ]
    for name in dict.fromkeys(header):
        if header.count(name) > 1:
            faults.append(f"column {shown(name)} is named {header.count(name)} times; keep one")
        if name not in source.columns:
            known = ", ".join(source.columns)
            faults.append(f"column {shown(name)} is unknown; remove it (known are {known})")
    return faults


def shown(text: str, most: int = MAX_SHOWN) -> str:
    """Foreign text, short and safe to print on one line."""
    cut = text if len(text) <= most else text[:most] + "..."
    return "'" + "".join(c if c.isprintable() else "?" for c in cut) + "'"


class _Lines:
    """The lines of a file as csv.reader wants them; remembers the first broken one of a record."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self.fault: Row | None = None

    def __iter__(self) -> Iterator[str]:
        for number, line in enumerate(self._file, start=1):
            if not line.isascii() and not _is_utf8(line):
                self._note(number, "is not UTF-8; export the file as UTF-8")
            if "\0" in line:
                self._note(number, "has a NUL character; remove it or fix the export")
            yield line

    def _note(self, number: int, fault: str) -> None:
        self.fault = self.fault or Row(number, fault=fault)


def _is_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def _ragged_fault(found: int, expected: int) -> str:
    hint = "quote values that contain commas" if found > expected else "a value or comma is missing"
    return f"has {found} {'field' if found == 1 else 'fields'} instead of {expected}; {hint}"


def _quoting_fault(error: csv.Error) -> str:
    if "field larger" in str(error) or "unexpected end" in str(error):
        problem = "a quote is opened and not closed"
    else:
        problem = "a quote inside a quoted value is not doubled"
    return f"{problem}; fix it, the rest of the file was not read"
