"""What the caller says of a report, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.loading.pipeline import TableCounts


@dataclass(frozen=True)
class Options:
    """What the caller says of a report.

    `fees`: who bears the processor's fees, seller or marketplace. `sellers`: a file that names
    whose a row is. `totals`: the report that has the totals. `timezone`: the zone of instants
    without one. `date_order`: dmy or mdy, of dates with slashes. `without`: source tables that the
    marketplace fills itself.
    """

    fees: str
    sellers: Path | None = None
    totals: Path | None = None
    timezone: str | None = None
    date_order: str | None = None
    encoding: str | None = None
    decimal_mark: str = "."
    order_from: str | None = None
    seller_from: str | None = None
    without: tuple[str, ...] = ()
    is_rehearsal: bool = False

    @property
    def evidence(self) -> dict[str, Any]:
        """What decides which facts a report becomes."""
        return {
            "fees": self.fees,
            "sellers": self.sellers.name if self.sellers else None,
            "totals": self.totals.name if self.totals else None,
            "timezone": self.timezone,
            "date_order": self.date_order,
            "decimal_mark": self.decimal_mark,
            "order_from": self.order_from,
            "seller_from": self.seller_from,
            "without": list(self.without),
        }


@dataclass(frozen=True)
class RowType:
    """What rows of one type in one file became: a source table, or not for sellers, and why not.

    Files are counted from 0. `amount` is what the rows add to the processor's balance, as text.
    """

    file_number: int
    row_type: str
    becomes: str
    reason: str | None
    currency: str
    part_count: int
    amount: str


@dataclass(frozen=True)
class ImportReport:
    """What became of the rows, by type, and of the facts, by table."""

    row_types: tuple[RowType, ...]
    tables: Mapping[str, TableCounts]

    @property
    def is_noop(self) -> bool:
        return not any(counts.inserted for counts in self.tables.values())
