"""A later migration on a database that dbt has built on and somebody reads."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestrator.database import apply, versions
from orchestrator.database.migrate import prepare_database
from orchestrator.errors import SettleError
from tests.functions.market import Market
from tests.functions.payment_server import DBT, OWNER


@pytest.fixture
def market() -> Iterator[Market]:
    """Three views of dbt's: one over a table of ours, one over that, and one over dbt's own."""
    with Market.open(is_fresh=True) as market:
        market.rows(DBT, "set role settle_dbt")
        for view in (
            "one as select alert_id, message from finance.alerts",
            "two as select message from settlement.one",
            "three as select 1 as message",
        ):
            market.rows(DBT, f"create view settlement.{view}")
        yield market


def views(market: Market) -> list[str]:
    found = market.rows(
        OWNER,
        "select viewname from pg_views where schemaname = 'settlement'"
        " and viewname in ('one', 'two', 'three') order by 1",
    )
    return [row["viewname"] for row in found]


@pytest.fixture
def migration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One more than there are; what it says the test writes."""
    folder = tmp_path / "database"
    shutil.copytree(versions.FOLDER, folder)
    monkeypatch.setattr(versions, "FOLDER", folder)
    return folder / "migrations" / "9999.change.sql"


@pytest.mark.parametrize(
    "change",
    [
        "alter table finance.alerts alter column message type varchar(10000)",
        "alter table finance.alerts drop column message",
    ],
)
def test_a_migration_takes_away_the_views_that_read_what_it_changes(
    market: Market, migration: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A build makes them; it would fail for ever, at the version that it is to leave."""
    market.disconnect()
    # Functions are not applied on a column that is gone: only what the migration does is looked at.
    migration.write_text(f"{change};\n")
    with psycopg.connect(market.url(OWNER), autocommit=True) as owner:
        apply.apply_migrations(market.settings, owner, migration.parent)
    assert views(market) == ["three"]
    assert caplog.messages == [
        "views of dbt's (1) read what a migration changes, and were dropped: run settle build"
    ]


def test_what_a_migration_does_not_touch_stays(market: Market, migration: Path) -> None:
    migration.write_text("alter table finance.alerts add column another text;\n")
    prepare_database(market.settings)
    assert views(market) == ["one", "three", "two"]


def test_a_migration_that_fails_for_itself_drops_no_view(market: Market, migration: Path) -> None:
    migration.write_text("alter table finance.alerts alter column message type nothing_known;\n")
    with pytest.raises(psycopg.errors.UndefinedObject):
        prepare_database(market.settings)
    assert views(market) == ["one", "three", "two"]


def test_a_reader_who_stays_is_told_of_in_one_line(
    market: Market, migration: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply, "LOCK_TIMEOUT", "200ms")
    migration.write_text("alter table finance.alerts add column another text;\n")
    with market.connect("dora", autocommit=False) as dora:
        dora.execute("select * from finance.alerts")
        with pytest.raises(SettleError, match="somebody else holds what this needs"):
            prepare_database(market.settings)
    prepare_database(market.settings)
