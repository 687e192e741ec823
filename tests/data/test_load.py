"""`settle load` against a real PostgreSQL: what good files and whole folders become."""

from pathlib import Path

import psycopg
import pytest

from orchestrator.errors import SettleError
from orchestrator.loading.csv_files import SOURCES
from orchestrator.loading.load import LoadReport, load_directory
from orchestrator.loading.pipeline import LoadRefused, TableCounts
from tests.data.load_files import (
    AT,
    GOOD,
    HEADERS,
    Connection,
    Load,
    counts,
    refused,
    rows,
)


def test_loads_each_table(load: Load, marketplace_db: Connection) -> None:
    report = load({name: [row] for name, row in GOOD.items()})
    assert report == LoadReport({s.table: TableCounts(inserted=1) for s in SOURCES})
    assert not report.is_noop
    assert counts(marketplace_db) == {s.table: 1 for s in SOURCES}


def test_a_header_alone_is_no_rows(load: Load) -> None:
    assert load({"refunds.csv": []}) == LoadReport({"refunds": TableCounts()})


def test_columns_in_any_order_bom_crlf_quotes_and_blank_lines(
    load: Load, marketplace_db: Connection
) -> None:
    header = "updated_at,created_at,status,wallet_address,fast_settlement,region,display_name,"
    text = (
        f'{header}seller_id\r\n\r\n{AT},{AT},active,T1,YES,EU,"Søren\r\n& ""Sons"", Ltd",s1\r\n\r\n'
    )
    load({"sellers.csv": b"\xef\xbb\xbf" + text.encode()})
    assert rows(
        marketplace_db,
        "select display_name, fast_settlement, payouts_enabled from marketplace.sellers",
    ) == [('Søren\r\n& "Sons", Ltd', True, True)]


def test_missing_recorded_at_is_the_clock(load: Load, marketplace_db: Connection) -> None:
    marketplace_db.execute("insert into finance.clock (now_at) values ('2026-11-05T00:00:00Z')")
    files = {
        "sellers.csv": [GOOD["sellers.csv"]],
        "orders.csv": [f"o1,c1,s1,USD,1,,{AT},"],
        "order_fees.csv": "fee_id,order_id,seller_id,fee_type,amount,charged_at\n"
        f"f1,o1,s1,commission,-1.5,{AT}\n",
    }
    load(files)
    assert rows(
        marketplace_db,
        "select o.recorded_at = settle_now() and f.recorded_at = settle_now()"
        " from marketplace.orders as o, marketplace.order_fees as f",
    ) == [(True,)]
    marketplace_db.execute("update finance.clock set now_at = now_at + interval '1 day'")
    assert load(files).is_noop, "a recorded_at that is not given agrees with any"


def test_an_order_may_arrive_after_its_facts(load: Load) -> None:
    report = load({"sellers.csv": [GOOD["sellers.csv"]], "refunds.csv": [GOOD["refunds.csv"]]})
    assert report.tables["refunds"].inserted == 1


def test_other_files_and_folders_are_left_alone(load: Load, tmp_path: Path) -> None:
    (tmp_path / "expected").mkdir()
    (tmp_path / "expected" / "more.csv").write_text("x")
    (tmp_path / "README.md").write_text("x")
    assert load({"sellers.csv": []}).is_noop


@pytest.mark.parametrize("autocommit", [False, True])
def test_commits_by_itself_and_leaves_nothing_behind(
    database: str, tmp_path: Path, autocommit: bool
) -> None:
    temporary = "select count(*) from pg_class where relname like 'load%'"
    (tmp_path / "sellers.csv").write_text(f"{HEADERS['sellers.csv']}\n{GOOD['sellers.csv']}\n")
    with psycopg.connect(database, autocommit=autocommit) as connection:
        for _ in range(2):
            load_directory(connection, tmp_path)
        assert rows(connection, temporary) == [(0,)]
        connection.rollback()
        (tmp_path / "orders.csv").write_text(f"{HEADERS['orders.csv']}\no1\n")
        with pytest.raises(LoadRefused):
            load_directory(connection, tmp_path)
        assert rows(connection, temporary) == [(0,)]
    with psycopg.connect(database) as connection:
        assert counts(connection)["sellers"] == 1


def test_a_misnamed_file_is_refused(load: Load) -> None:
    header = HEADERS["refunds.csv"].replace(",reverses_refund_id", "")
    assert refused(load, {"sellers.csv": [], "Orders.CSV": "", "refund.csv": f"{header}\n"}) == [
        "'refund.csv' has the columns of refunds.csv; rename it or take it away",
        "'Orders.CSV' is written orders.csv; rename it or take it away",
    ]


def test_a_file_of_something_else_is_left_alone_and_named(load: Load) -> None:
    report = load({"sellers.csv": [], "posted.csv": "table,seller_id,id\n", "empty.csv": ""})
    assert report.left_alone == ("empty.csv", "posted.csv")
    assert report.is_noop


def test_a_directory_without_files_is_refused(
    load: Load, marketplace_db: Connection, tmp_path: Path
) -> None:
    nothing = r"holds no CSV file of a source table; use one or more of sellers\.csv"
    with pytest.raises(SettleError, match=nothing):
        load_directory(marketplace_db, tmp_path)
    with pytest.raises(SettleError, match=nothing):
        load({"posted.csv": "table,seller_id,id\n"})
    with pytest.raises(SettleError, match=r"nowhere is not a directory; name the one"):
        load_directory(marketplace_db, tmp_path / "nowhere")
