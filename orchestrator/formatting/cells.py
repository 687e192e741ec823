"""How a value of a query is written for people: on the command line, in Dagster and on pages."""

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

# What moves the cursor, changes a terminal, turns the direction of what stands beside it, or is not
# seen at all: controls, formats, halves of characters, ends of lines and paragraphs.
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"  # names of some scripts are written with them


def visible(text: str, *, keep: str = "") -> str:
    """The text with what a reader would not see written out, as `\\x1b` or `\\u202e`.

    Names, notes, texts of the rail and of errors are anybody's: none may rewrite what stands before
    or beside it. `keep` has the characters to leave, as the ends of lines in a text of ours.
    """
    if text.isprintable():
        return text
    return "".join(
        c.encode("unicode_escape").decode()
        if unicodedata.category(c) in HIDDEN and c not in JOINERS and c not in keep
        else c
        for c in text
    )


def cell(value: Any) -> str:
    """Nothing for null, yes or no, thousands separated, instants in UTC, lists with commas.

    On one line, and with nothing that a reader would not see.
    """
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int() | Decimal():
            return f"{value:,}"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
        case list():
            return ", ".join(visible(str(one)) for one in value)
    return visible(str(value))


def is_number(value: Any) -> bool:
    """Whether it is aligned to the right."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
