"""A later version of settle on a database that was built on, its large tables on the workers."""

import shutil
from pathlib import Path

import pytest

from orchestrator.database import versions
from orchestrator.database.migrate import prepare_database
from orchestrator.errors import SettleError
from tests.cluster.nodes import Cluster
from tests.cluster.weeks import ENDS, LAG, WINDOWS, build, close, fill, rows_of_views, spread
from tests.support.settings import at

# A table of each kind, and a column, a constraint and an index of one that is on the workers.
CHANGE = """
create table finance.promises (
    seller_id text collate "C" not null,
    promise_id text collate "C" not null,
    primary key (seller_id, promise_id)
);
create table finance.remarks (remark_id bigint generated always as identity primary key);
alter table finance.payout_lines add column remark_id bigint references finance.remarks;
alter table marketplace.orders add column channel text;
alter table finance.window_close_entries add column origin text not null default 'fact';
alter table finance.window_close_entries add constraint origin check (origin <> '');
create index window_close_entries_origin on finance.window_close_entries (seller_id, origin);
"""
LARGE = "'marketplace.orders', 'marketplace.order_fees'"
COLUMNS = """
select count(*) from pg_attribute as a inner join pg_class as c on a.attrelid = c.oid
where
    (c.relname ~ '^orders_[0-9]+$' and a.attname = 'channel')
    or (c.relname ~ '^window_close_entries_[0-9]+$' and a.attname = 'origin')
"""


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This version with one more migration, one of whose tables is large."""
    folder = tmp_path / "database"
    shutil.copytree(versions.FOLDER, folder)
    (folder / "migrations" / "9999.promises.sql").write_text(CHANGE, encoding="utf-8")
    file = folder / "functions" / "common" / "distribution.sql"
    text = file.read_text(encoding="utf-8")
    assert LARGE in text
    file.write_text(text.replace(LARGE, f"'finance.promises', {LARGE}"), encoding="utf-8")
    monkeypatch.setattr(versions, "FOLDER", folder)


@pytest.mark.slow
def test_a_later_version_changes_tables_on_every_worker(
    cluster: Cluster, request: pytest.FixtureRequest
) -> None:
    settings = at(cluster.settings(), ENDS[0] + LAG)
    fill(settings)
    spread(settings)
    settings = close(settings, 0, distributed=True)
    build(settings, distributed=True)
    before = rows_of_views(settings)
    request.getfixturevalue("later")
    prepare_database(settings, is_asked=True)
    shown = "set citus.override_table_visibility = off"  # the parts of a table
    found = [node.run(cluster.database, shown, COLUMNS) for node in cluster.workers[:-1]]
    assert sum(count for [(count,)] in found) == 2 * 32
    assert cluster.run("select * from finance.changed_definitions()") == []
    # A table that is large is not put on the workers before somebody says so.
    with pytest.raises(
        SettleError, match=r"finance\.promises is on one machine: run settle db dist"
    ):
        build(settings, distributed=True)
    spread(settings)
    build(settings, distributed=True)
    assert rows_of_views(settings) == before
    settings = close(settings, 1, distributed=True)
    stored = "select payout_window from finance.window_close_entries where origin = 'fact'"
    assert (WINDOWS[1],) in cluster.run(stored)
