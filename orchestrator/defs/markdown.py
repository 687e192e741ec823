"""Rows and values as Dagster's pages show them to people."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from orchestrator.formatting import cells

PLACES = ("first_pct", "second_pct")  # where a bar ends, for pages that draw it


def table(rows: Sequence[Mapping[str, Any]], most: int | None = None) -> dg.MarkdownMetadataValue:
    """Rows as a markdown table, numbers to the right; `none` where there are none.

    With as many rows as `most`, it says that there may be more.
    """
    if not rows:
        return dg.MetadataValue.md("none")
    names = [name for name in rows[0] if name not in PLACES]
    lines = [
        [name.replace("_", " ") for name in names],
        [
            "--:" if all(row[name] is None or cells.is_number(row[name]) for row in rows) else "---"
            for name in names
        ],
        *([cell(row[name]) for name in names] for row in rows),
    ]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    more = f"\n\nThe first {most}." if len(rows) == most else ""
    return dg.MetadataValue.md(text + more)


def cell(value: Any) -> str:
    """One value for people: nothing in it can end the cell or become markup."""
    text = cells.cell(" ".join(value.split()) if isinstance(value, str) else value)
    return "".join(f"\\{c}" if c in "\\|`*_[]<>#!" else c for c in text)
