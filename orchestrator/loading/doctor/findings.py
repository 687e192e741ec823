"""What the doctor says: findings as a linter has them, and an outlook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """An error keeps facts from their effect or a build from running; a warning may be nothing."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, with what to do. `row_count` is None where it is about no rows."""

    severity: Severity
    source: str
    column: str | None
    problem: str
    row_count: int | None = None
    example: str | None = None

    @property
    def line(self) -> str:
        place = f"{self.source}.{self.column}" if self.column else self.source
        rows = ""
        if self.row_count is not None:
            count = "1 row" if self.row_count == 1 else f"{self.row_count} rows"
            rows = f" ({count}, {self.example})" if self.example else f" ({count})"
        return f"{self.severity}: {place}: {self.problem}{rows}"


@dataclass(frozen=True)
class Outlook:
    """What the first weeks would look like, as sellers are now."""

    order_count: int
    payable_count: int
    payable_percent: str | None
    obstacles: Mapping[str, int]
    first_window: str | None
    is_closable: bool
    latest_window: str


@dataclass(frozen=True)
class Diagnosis:
    """Everything that was found; `counts` has the rows of each source that could be read."""

    findings: Sequence[Finding]
    counts: Mapping[str, int]
    outlook: Outlook | None

    def count(self, severity: Severity) -> int:
        return sum(finding.severity is severity for finding in self.findings)


# What the models call the reasons, with what to do.
REASONS = {
    "unknown_seller": "no row of sellers has the seller, so it has no effect; map that seller too",
    "unknown_order": "no row of orders has the seller's order, so it has no effect; map that order"
    " too, or name its seller",
    "invalid_instant": "an instant is not from 2000 to 2099, so it has no effect; is a digit of the"
    " year mistyped?",
    "unknown_currency": "the currency is not in seeds/currencies.csv, so the order has no effect;"
    " write ISO 4217 in upper case",
    "no_exchange_rate": "an order in another currency than {currency} has no exchange_rate above 0,"
    " so it has no effect; add the processor's rate",
    "invalid_amount": "the amount is not that of a sale, so it has no effect",
    "amount_not_positive": "the amount is not above 0, so it has no effect; is its sign the other"
    " way round?",
    "too_many_decimals": "the amount has more decimals than its currency, so it has no effect;"
    " round it to them",
    "unknown_event_type": "the event is not one of opened, won, lost, withdrawn, so it has no"
    " effect",
    "order_without_effect": "its order has no effect, so neither has it; mend the order",
}

HEURISTICS = {
    "cents": "are these cents? All are whole numbers ({detail}); divide by 100 if so",
    "midnight": "was the time lost? All are at midnight UTC; map an instant, not a date",
    "recorded_before": "was a time zone lost? Rows were recorded before they happened, by up to"
    " {detail} hours",
    "recorded_late": "is it the day of a copy? Most rows were recorded over a week after they"
    " happened and are known only from then on, so a history would be owed at once; map when each"
    " row first came",
    "future": "was a time zone lost? Rows have yet to happen, the last at {detail}",
}


def exception(row: Mapping[str, Any], currency: str) -> Finding:
    """A kind of fact without effect."""
    problem = REASONS.get(row["reason"], f"has no effect: {row['reason']}")
    return Finding(
        Severity.ERROR,
        row["source_table"],
        None,
        problem.format(currency=currency),
        row["row_count"],
        f"{row['example']} is one",
    )


def node_fault(row: Mapping[str, Any]) -> Finding:
    """What would stop a build on a Citus cluster, or a write to several of its nodes."""
    return Finding(Severity(row["severity"]), f"node {row['node']}", None, row["problem"])
