"""Cells of CSV files that spreadsheets open."""

import re
from datetime import UTC, datetime
from typing import Any

# What begins a formula; in full width too: spreadsheets of some languages take them for the same.
SIGNS = "-=+@\uff1d\uff0b\uff0d\uff20"
# Where a cell begins: at its start, and behind what some spreadsheet splits at. Where the list
# separator is a semicolon, quotes in the middle of a line keep nothing together.
FORMULA = re.compile(
    rf"""^(?=[\t\r\n]|[\s"]*[{SIGNS}]) | (?<=[;\t\r\n])(?=[\s"]*[{SIGNS}])""", re.VERBOSE
)
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def safe_cell(value: Any) -> str:
    """As text: instants in UTC, nothing for null, and nothing that a spreadsheet would run."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    text = "" if value is None else str(value)
    return text if NUMBER.fullmatch(text) else FORMULA.sub("'", text)
