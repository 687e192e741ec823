"""`settle load` of real data, of much at a time, and of several at once."""

import csv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from orchestrator.loading.csv_files import SOURCES, Source
from orchestrator.loading.load import load_directory
from tests.data.load_files import (
    AT,
    GOOD,
    HEADERS,
    ORDERS,
    Connection,
    Load,
    counts,
    rows,
)
from tests.support.settings import HOSTILE, OLIST


def test_two_loads_at_once_store_each_row_once(database: str, tmp_path: Path) -> None:
    (tmp_path / "sellers.csv").write_text(f"{HEADERS['sellers.csv']}\n{GOOD['sellers.csv']}\n")
    orders = "\n".join(f"o{n},c1,s1,USD,1,,{AT}," for n in range(2000))
    (tmp_path / "orders.csv").write_text(f"{ORDERS}\n{orders}\n")

    def run(_: int) -> int:
        with psycopg.connect(database) as connection:
            return load_directory(connection, tmp_path).tables["orders"].inserted

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(run, range(4))) == [0, 0, 0, 2000]
    with psycopg.connect(database) as connection:
        assert counts(connection)["orders"] == 2000


def contents(connection: Connection, source: Source, columns: list[str]) -> list[tuple[str, ...]]:
    """The stored rows of a table as its file would write them."""
    text = sql.SQL(", ").join(
        sql.SQL("to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").format(
            sql.Identifier(name)
        )
        if name.endswith("_at")
        else sql.SQL("coalesce({}::text, '')").format(sql.Identifier(name))
        for name in columns
    )
    table = sql.Identifier("marketplace", source.table)
    return sorted(connection.execute(sql.SQL("select {} from {}").format(text, table)).fetchall())


def assert_holds_the_files(connection: Connection, folder: Path) -> None:
    """Every table has exactly the rows of its file, to the last decimal."""
    for source in SOURCES:
        given: list[tuple[str, ...]] = []
        columns = list(source.columns)
        if (folder / source.file_name).exists():
            with (folder / source.file_name).open(newline="", encoding="utf-8") as file:
                reader = csv.DictReader(file)
                columns = list(reader.fieldnames or ())
                given = sorted(tuple(row[c] for c in columns) for row in reader)
        assert contents(connection, source, columns) == given, source.table


def test_olist_loads_to_the_cent(marketplace_db: Connection) -> None:
    if not OLIST.is_dir():
        pytest.skip(f"no Olist sample at {OLIST}: loading real data was not tested")
    report = load_directory(marketplace_db, OLIST)
    assert {t: c.inserted for t, c in report.tables.items()} == {
        "sellers": 1610,
        "orders": 7433,
        "order_fees": 15318,
        "refunds": 468,
        "dispute_events": 3749,
    }
    assert_holds_the_files(marketplace_db, OLIST)
    assert load_directory(marketplace_db, OLIST).is_noop


def test_the_hostile_sample_loads_whole(marketplace_db: Connection) -> None:
    """Currencies of 0 to 3 decimals, ids unique within a seller, and facts that are bad."""
    if not HOSTILE.is_dir():
        pytest.skip(f"no hostile sample at {HOSTILE}: loading it was not tested")
    load_directory(marketplace_db, HOSTILE)
    assert_holds_the_files(marketplace_db, HOSTILE)
    late = load_directory(marketplace_db, HOSTILE / "late")
    assert sum(counts.inserted for counts in late.tables.values()) == 41
    assert_holds_the_files(marketplace_db, HOSTILE / "all")
    assert load_directory(marketplace_db, HOSTILE / "all").is_noop


def test_a_table_that_grows_is_not_read_for_each_row(
    load: Load, marketplace_db: Connection
) -> None:
    """Statistics from when it was empty promise that this is cheap."""
    load({"sellers.csv": [GOOD["sellers.csv"]]})
    load({"orders.csv": [f"n{n},c{n},s1,USD,1.00,,{AT},{AT}" for n in range(2000)]})
    [(scans,)] = rows(
        marketplace_db,
        "select seq_scan from pg_stat_xact_user_tables"
        " where schemaname = 'marketplace' and relname = 'orders'",
    )
    assert scans < 50
