"""Files that `settle load` reads, and what the tables hold of them."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.load import LoadReport
from orchestrator.loading.pipeline import LoadRefused

Connection = psycopg.Connection[Any]
Load = Callable[..., LoadReport]

HEADERS = {source.file_name: ",".join(source.columns) for source in SOURCES}
AT = "2026-11-02T09:30:00Z"
GOOD = {
    "sellers.csv": f"s1,Shop,EU,false,,active,true,{AT},{AT},weekly,",
    "orders.csv": f"o1,c1,s1,USD,100.00,,{AT},{AT}",
    "order_fees.csv": f"f1,o1,s1,commission,12.00,{AT},{AT}",
    "refunds.csv": f"r1,o1,s1,20.50,{AT},{AT},damaged,",
    "dispute_events.csv": f"e1,d1,o1,s1,opened,100.00,{AT},{AT}",
    "seller_charges.csv": f"h1,s1,subscription,29.00,{AT},{AT},November",
}
ORDERS = HEADERS["orders.csv"]
AMOUNT = "is not an amount; write it like 1234.50"


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def ask(connection: Connection, query: str) -> Any:
    """The only row of a query, or its only value."""
    (row,) = connection.execute(query.encode()).fetchall()
    return row[0] if len(row) == 1 else row


def counts(connection: Connection) -> dict[str, int]:
    return {
        source.table: rows(connection, f"select count(*) from marketplace.{source.table}")[0][0]
        for source in SOURCES
    }


def refused(load: Load, files: dict[str, Any]) -> list[str]:
    with pytest.raises(LoadRefused) as refusal:
        load(files)
    return refusal.value.lines
