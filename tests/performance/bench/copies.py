"""The source tables as DuckDB has them: copied before anything is timed."""

from pathlib import Path

import duckdb

from tests.performance.bench.place import Place

# Each table with what DuckDB is to read of it; money is decimal there, as in the source.
TABLES = {
    "marketplace.orders": """* replace (
        gross_amount::decimal(18, 3) as gross_amount,
        exchange_rate::decimal(18, 8) as exchange_rate
    )""",
    "marketplace.order_fees": "* replace (amount::decimal(18, 3) as amount)",
    "marketplace.refunds": "* replace (amount::decimal(18, 3) as amount)",
    "marketplace.dispute_events": "* replace (amount::decimal(18, 3) as amount)",
    "marketplace.seller_charges": "* replace (amount::decimal(18, 3) as amount)",
    "finance.window_close_rows": "payout_window, seller_id, net_minor",
    "finance.adjustments": "seller_id, amount_minor, approved_at",
}


def in_duckdb(here: Place) -> duckdb.DuckDBPyConnection:
    """Every row of the source tables, and of the stored closes."""
    database = duckdb.connect(here.home / "copy.duckdb")
    database.execute("set timezone = 'UTC'; create schema marketplace; create schema finance")
    for table, columns in TABLES.items():
        file = here.home / f"{table}.csv"
        _export(here, table, file)
        database.execute(f"create table {table} as select {columns} from read_csv('{file}')")
        file.unlink()
    return database


def _export(here: Place, table: str, file: Path) -> None:
    with here.connect() as database, file.open("wb") as out:
        database.execute("set timezone = 'UTC'")
        query = f"copy {table} to stdout (format csv, header)"
        with database.cursor().copy(query.encode()) as copy:
            out.writelines(copy)
