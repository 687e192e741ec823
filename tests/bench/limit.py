"""The models of one weekly close against one hand-written statement, DuckDB and pandas.

The statement leaves out claims, carried balances, holds and evidence: it is a lower bound. Its
gross and fees must be those of the stored close.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
from place import WEEK_ENDS, WEEK_STARTS, WINDOW, Place, Size, median_seconds, model_seconds, place
from results import Result

SIZES = {"small": Size(100, 6, 5), "medium": Size(4000, 13, 5), "full": Size(4000, 52, 48)}
STATEMENT = (Path(__file__).parent / "limit.sql").read_text()
TABLES = ("orders", "order_fees")
STORED = "select sum(gross_minor) / 100.0, sum(fees_minor) / 100.0 from finance.window_close_rows"


def run(scale: str) -> Iterator[Result]:
    size = SIZES[scale]
    with place() as here:
        here.fill(size)
        here.close_history()
        here.shell().done("close", WINDOW)
        models = model_seconds(here.home)
        files = _export(here)
        with here.connect() as database:
            stored = database.execute(STORED + f" where payout_window = '{WINDOW}'").fetchone()
            total = database.execute(
                f"select sum(gross), sum(fees) from ({STATEMENT}) as t".encode()
            ).fetchone()
            assert stored == total, f"the statement says {total}, the close {stored}"
            least = median_seconds(lambda: database.execute(STATEMENT.encode()).fetchall())
        with duckdb.connect() as duck:
            duck.execute("set timezone = 'UTC'")
            duck.execute("create schema marketplace")
            for table, file in files.items():
                duck.execute(
                    f"create table marketplace.{table} as select * replace (cast("
                    f"{_money(table)} as decimal(18, 2)) as {_money(table)})"
                    f" from read_csv('{file}')"
                )
            in_duck = median_seconds(lambda: duck.execute(STATEMENT).fetchall())
        orders, fees = _frames(files)
        in_pandas = median_seconds(lambda: _pandas(orders, fees))
    yield Result("limit", f"hand-written statement, {size}", least, "s")
    yield Result("limit", "all models of the close", models, "s", models / least, "the statement")
    yield Result("limit", "DuckDB, in memory", in_duck, "s", in_duck / least, "the statement")
    yield Result("limit", "pandas, in memory", in_pandas, "s", in_pandas / least, "the statement")


def _money(table: str) -> str:
    return "gross_amount" if table == "orders" else "amount"


def _export(here: Place) -> dict[str, Path]:
    files = {table: here.home / f"{table}.csv" for table in TABLES}
    with here.connect() as database:
        database.execute("set timezone = 'UTC'")
        for table, file in files.items():
            query = f"copy marketplace.{table} to stdout (format csv, header)"
            with database.cursor().copy(query.encode()) as copy, file.open("wb") as out:
                out.writelines(copy)
    return files


def _frames(files: dict[str, Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    orders, fees = (pd.read_csv(files[table]) for table in TABLES)
    for frame, column in ((orders, "ordered_at"), (fees, "charged_at")):
        for name in (column, "recorded_at"):
            frame[name] = pd.to_datetime(frame[name], utc=True, format="ISO8601")
    orders["minor"] = (orders["gross_amount"] * 100).round().astype("int64")
    fees["minor"] = (fees["amount"] * 100).round().astype("int64")
    return orders, fees


def _pandas(orders: pd.DataFrame, fees: pd.DataFrame) -> pd.DataFrame:
    released = orders["ordered_at"] + pd.Timedelta(days=7)
    known = orders.assign(available_at=released.clip(lower=orders["recorded_at"]))
    paired = fees.merge(known[["order_id", "available_at"]], on="order_id")
    for column in ("charged_at", "recorded_at"):
        paired["available_at"] = paired["available_at"].clip(lower=paired[column])
    sums = {}
    for name, frame in (("gross", known), ("fees", paired)):
        in_window = frame["available_at"].between(WEEK_STARTS, WEEK_ENDS, inclusive="left")
        sums[name] = frame[in_window].groupby("seller_id")["minor"].sum()
    return pd.DataFrame(sums).fillna(0)
