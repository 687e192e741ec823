"""Reads a directory of CSV files, named and laid out like the source tables, into facts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from .facts import TABLES, Facts

F = TypeVar("F")


def read_facts(directory: Path) -> Facts:
    """Amounts stay the decimals they are written as; nothing is checked but the columns' names.

    A table without a file has no rows, and a column that the file lacks or leaves empty has the
    default where it has one.
    """
    return Facts(**{name: tuple(_rows(directory, name, kind)) for name, kind in TABLES.items()})


def joined(*many: Facts) -> Facts:
    """The rows of all source tables in one; everything else as in the first."""
    return replace(
        many[0], **{name: sum((getattr(facts, name) for facts in many), ()) for name in TABLES}
    )


def _rows(directory: Path, name: str, kind: type[F]) -> Iterator[F]:
    columns = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    for row in read_rows(directory / f"{name}.csv"):
        yield kind(
            **{
                column: _PARSERS[str(item.type)](row[column])
                for column, item in columns.items()
                if row.get(column) or item.default is MISSING
            }
        )


def read_rows(file: Path) -> Iterator[dict[str, str]]:
    if not file.exists():
        return
    with file.open(encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


_PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "str | None": str,
    "bool": {"true": True, "false": False}.__getitem__,
    "Decimal": Decimal,
    "Decimal | None": lambda text: Decimal(text) if text else None,
    "datetime": datetime.fromisoformat,
}
