"""How a value of a query is written for people: on the command line, in Dagster and on pages."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any


def cell(value: Any) -> str:
    """Nothing for null, yes or no, thousands separated, instants in UTC, lists with commas."""
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
            return ", ".join(map(str, value))
    return str(value)


def is_number(value: Any) -> bool:
    """Whether it is aligned to the right."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool)
