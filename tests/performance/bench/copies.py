"""The source tables as DuckDB and pandas have them: copied before anything is timed."""

from pathlib import Path

import duckdb
import pandas as pd

from tests.performance.bench.in_pandas import Frames
from tests.performance.bench.place import Place

# Each table with what DuckDB is to read of it; money is decimal there, as in the source.
TABLES = {
    "marketplace.orders": "* replace (gross_amount::decimal(18, 2) as gross_amount)",
    "marketplace.order_fees": "* replace (amount::decimal(18, 2) as amount)",
    "marketplace.refunds": "* replace (amount::decimal(18, 2) as amount)",
    "marketplace.dispute_events": "* replace (amount::decimal(18, 2) as amount)",
    "finance.window_close_rows": "payout_window, seller_id, net_minor",
    "finance.adjustments": "seller_id, amount_minor, approved_at",
}
SELLER = "regexp_extract(seller_id, '[0-9]+')::bigint as seller, "
IDS = f"regexp_extract(order_id, '[0-9]+')::bigint as order_number, {SELLER}"
FRAMES = {
    "marketplace.orders": IDS
    + """(gross_amount * 100)::bigint as gross_minor, ordered_at,
    greatest(ordered_at, recorded_at) as known_at""",
    "marketplace.order_fees": IDS
    + "(amount * 100)::bigint as minor, greatest(charged_at, recorded_at) as known_at",
    "marketplace.refunds": IDS
    + """(amount * 100)::bigint as minor, refund_id as id, refunded_at as occurred_at,
    greatest(refunded_at, recorded_at) as known_at""",
    "marketplace.dispute_events": IDS
    + """(amount * 100)::bigint as minor, dispute_event_id as id, dispute_id as dispute,
    event_type, occurred_at, greatest(occurred_at, recorded_at) as known_at""",
    "finance.adjustments": SELLER + "amount_minor as minor, approved_at as known_at",
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


def in_frames(database: duckdb.DuckDBPyConnection) -> Frames:
    """The facts in pandas, with integers for the ids that are joined and grouped by."""
    return {
        table.partition(".")[2]: _in_utc(database.execute(f"select {what} from {table}").df())
        for table, what in FRAMES.items()
    }


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    for name in frame.columns:
        if name.endswith("_at"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
    return frame


def _export(here: Place, table: str, file: Path) -> None:
    with here.connect() as database, file.open("wb") as out:
        database.execute("set timezone = 'UTC'")
        query = f"copy {table} to stdout (format csv, header)"
        with database.cursor().copy(query.encode()) as copy:
            out.writelines(copy)
