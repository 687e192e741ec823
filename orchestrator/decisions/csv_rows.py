"""CSV files that people decide about as a whole: their rows for SQL, or what is wrong with them."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.errors import SettleError

MOST_LISTED = 50


def rows_of_file(text: str, columns: Mapping[str, bool]) -> str:
    """The rows as a JSON array for SQL: the line each begins on, and its values as they are.

    `columns` names the file's columns, and whether each is required. Raises SettleError where the
    text is no such file; what its values mean is SQL's to check.
    """
    if "\0" in text or not _is_utf8(text):
        raise SettleError("the file is not UTF-8 text; export it as UTF-8")
    (_, header), *records = [*_records(text)] or [(1, [])]
    _refuse([f"line 1: {fault}" for fault in _header_faults(header, columns)])
    _refuse(
        [
            f"line {line}: has {len(record)} values, and the header names {len(header)}; quote"
            " values that contain commas"
            for line, record in records
            if len(record) != len(header)
        ]
    )
    if not records:
        raise SettleError(
            "the file has a header and no row: nothing is decided; choose a seller, or add a row"
        )
    return json.dumps(
        [{"line": line} | dict(zip(header, record, strict=True)) for line, record in records]
    )


def _records(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Each record and the line it begins on; blank lines are skipped."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    begins_on = 1
    try:
        for record in reader:
            if record:
                yield begins_on, record
            begins_on = reader.line_num + 1
    except csv.Error as error:
        raise SettleError(
            f"the file cannot be read as CSV near line {reader.line_num} ({error}); export it again"
        ) from None


def _header_faults(header: Sequence[str], columns: Mapping[str, bool]) -> list[str]:
    known = ", ".join(columns)
    missing = [name for name, is_required in columns.items() if is_required and name not in header]
    unknown = [name for name in header if name not in columns]
    twice = [name for name in columns if header.count(name) > 1]
    return [
        *(f"column {name} is missing; the columns are {known}" for name in missing),
        *(f"column {name[:40]!a} is unknown; the columns are {known}" for name in unknown),
        *(f"column {name} is named twice; keep one" for name in twice),
    ]


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        listed = f" (the first {MOST_LISTED} are listed)" if len(faults) > MOST_LISTED else ""
        raise SettleError(
            f"the file cannot be read{listed}: nothing was stored; fix it and try again",
            detail="\n".join(faults[:MOST_LISTED]),
        )


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # bytes of a file that were let through as surrogates
        return False
    return True
