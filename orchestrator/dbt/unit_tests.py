"""A failed unit test of a model as a small plain table of expected and actual rows.

dbt gives one text with a terminal's colours, in which the old and the new value of a cell stand on
either side of an arrow; the colours are what tells its separators from a value's own commas.
"""

import re

COLOUR = re.compile(r"\x1b\[[0-9;]*m")
SEPARATOR = "\x1b[33m,\x1b[0m"
ARROW = "\x1b[34;1m→\x1b[32;1m"
ONE_SIDED = {"+++": "actual", "---": "expected"}


def differences(message: str) -> str | None:
    """The rows that differ, aligned; None where the message holds no comparison."""
    header, rows = None, []
    for text in message.splitlines():
        mark, *cells = text.split(SEPARATOR)
        kind = COLOUR.sub("", mark).strip()
        if kind == "@@":
            header = ["", *(_plain(cell) for cell in cells)]
        elif kind.endswith("→"):
            rows.append(["expected", *(_plain(cell.split(ARROW)[0]) for cell in cells)])
            rows.append(["actual", *(_plain(cell.split(ARROW)[-1]) for cell in cells)])
        elif kind in ONE_SIDED:
            rows.append([ONE_SIDED[kind], *(_plain(cell) for cell in cells)])
    if header is None or not rows:
        return None
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return "\n".join(lines)


def _plain(cell: str) -> str:
    return COLOUR.sub("", cell).strip()
