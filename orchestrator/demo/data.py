"""What the demo pays for: facts, rows that come late, and the windows in which both are paid."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, sql_file
from orchestrator.demo.generate import Late, generate
from orchestrator.errors import SettleError
from orchestrator.loading.load import load_directory
from orchestrator.project_variables import payout_holidays, project_variables, source_table

SQL = Path(__file__).parent / "sql"
BAD_ACTORS = Decimal("0.02")  # of their orders most are disputed


def fill(settings: Settings, data: Path | None, *, sellers: int, weeks: int) -> None:
    """Load the folder, or generate facts up to the settings' clock where there are none yet."""
    with connect(settings, Component.OWNER) as database:
        if data:
            load_directory(database, data)
            return
        known = rows(database, "select 1 from marketplace.orders limit 1")
        if not known:
            [now] = rows(database, "select settle_now() as instant")
            generate(
                database,
                sellers=sellers,
                weeks=weeks,
                until=now["instant"],
                late=Late(_late_folder(settings)),
                bad_actors=BAD_ACTORS,
            )


def orders_by_currency(settings: Settings) -> str:
    """How many there are in each currency, the most first."""
    query = sql.SQL(sql_file("orders_by_currency", SQL)).format(
        orders=sql.Identifier(*source_table("orders"))
    )
    with connect(settings, Component.ORCHESTRATOR) as database:
        return ", ".join(f"{n:,} {currency}" for currency, n in database.execute(query))


def has_late_rows(settings: Settings) -> bool:
    """Whether rows wait that reach the database after their window was closed."""
    return _late_folder(settings).is_dir()


def load_late_rows(settings: Settings) -> int:
    """Load them; returns how many were new."""
    with connect(settings, Component.OWNER) as database:
        report = load_directory(database, _late_folder(settings))
    return sum(table.inserted for table in report.tables.values())


def windows_to_pay(settings: Settings) -> list[dict[str, Any]]:
    """The last window of the history, which is closed alone, and those after it, oldest first.

    SettleError where the data is too young for three of these.
    """
    query = sql.SQL(sql_file("windows", SQL)).format(orders=sql.Identifier(*source_table("orders")))
    zone = project_variables()["settlement_timezone"]
    with connect(settings, Component.ORCHESTRATOR) as database, database.cursor() as cursor:
        cursor.execute(query, {"timezone": zone, "holidays": payout_holidays()})
        names = [c.name for c in cursor.description or []]
        found = [dict(zip(names, row, strict=True)) for row in cursor]
    if len(found) < 4:
        raise SettleError("the data has no three full weeks whose payout is due: add older orders")
    return found


def _late_folder(settings: Settings) -> Path:
    return settings.home / "late"
