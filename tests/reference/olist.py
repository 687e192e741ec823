"""Reads a directory of CSV files, named and laid out like the source tables, into facts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from .facts import DisputeEvent, Facts, Fee, Order, Refund, Seller

F = TypeVar("F", Seller, Order, Fee, Refund, DisputeEvent)

TABLES: dict[str, type] = {
    "sellers": Seller,
    "orders": Order,
    "order_fees": Fee,
    "refunds": Refund,
    "dispute_events": DisputeEvent,
}


def read_facts(directory: Path) -> Facts:
    """Amounts stay the decimals they are written as; nothing is checked but the columns' names."""
    return Facts(**{name: tuple(_rows(directory, name, kind)) for name, kind in TABLES.items()})


def _rows(directory: Path, name: str, kind: type[F]) -> Iterator[F]:
    parsers = {item.name: _PARSERS[str(item.type)] for item in fields(kind)}
    with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield kind(**{column: parse(row[column]) for column, parse in parsers.items()})


_PARSERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "bool": {"true": True, "false": False}.__getitem__,
    "Decimal": Decimal,
    "datetime": datetime.fromisoformat,
}
