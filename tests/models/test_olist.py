"""Real data: the public views equal the expected figures, row by row and to the cent."""

import csv
from datetime import datetime
from pathlib import Path

import pytest
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect
from orchestrator.dbt.builds import AS_OF_SCHEMA, build_as_of, build_live
from orchestrator.loading.load import load_directory
from tests.support.settings import at

VIEWS = ("seller_settlement", "seller_health", "seller_reserve")
# What the sample has a column for and no amount: nothing of it shows in the views.
EMPTY = {"taxes", "charges"}
NOW = datetime.fromisoformat("2018-07-04T12:00:00Z")
BACK_THEN = datetime.fromisoformat("2018-02-27T15:00:00Z")


@pytest.fixture(scope="module")
def live(settings: Settings, olist: Path) -> Settings:
    """The sample, loaded, and built at the first of the two instants."""
    settings = at(settings, NOW)
    with connect(settings, Component.OWNER) as connection:
        load_directory(connection, olist)
    build_live(settings)
    return settings


def test_live_views_show_the_expected_figures(live: Settings, olist: Path) -> None:
    for view in VIEWS:
        assert_equal(live, "settlement", view, olist / "expected" / "utc-2018-07-04")


@pytest.mark.many("another instant: make test compares the live views, and the smaller sample")
def test_an_earlier_instant_in_another_zone_leaves_the_live_schemas_alone(
    live: Settings, olist: Path
) -> None:
    before = fingerprint(live)
    build_as_of(live, BACK_THEN, "America/Sao_Paulo")
    assert fingerprint(live) == before
    for view in VIEWS:
        assert_equal(live, AS_OF_SCHEMA, view, olist / "expected" / "sao_paulo-2018-02-27")


def assert_equal(settings: Settings, schema: str, view: str, file: Path) -> None:
    """Every column of the file, every row of both."""
    with (file / f"{view}.csv").open(encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        rows = list(reader)
    columns = [name for name in reader.fieldnames or () if name not in EMPTY]
    assert all(row[name] == "0.00" for row in rows for name in EMPTY & row.keys())
    expected = {tuple(row[name] for name in columns) for row in rows}
    shown = (sql.SQL("coalesce({}::text, '')").format(sql.Identifier(name)) for name in columns)
    query = sql.SQL("select {} from {}").format(
        sql.SQL(", ").join(shown), sql.Identifier(schema, view)
    )
    with connect(settings, Component.ORCHESTRATOR) as connection:
        found = list(connection.execute(query))
    assert len(found) == len(expected) > 0
    assert set(found) == expected, f"{schema}.{view}: rows differ in {columns}"


def fingerprint(settings: Settings) -> dict[str, str]:
    """A hash of the rows of each relation of the live schemas."""
    with connect(settings, Component.OWNER) as connection:
        connection.execute("set local enable_nestloop = off")  # each view whole, not by order
        relations = connection.execute(
            "select table_schema, table_name from information_schema.tables"
            " where table_schema like 'settlement%'"
        ).fetchall()
        hash_of = sql.SQL("select md5(string_agg(t::text, '|' order by t::text)) from {} as t")
        return {
            ".".join(name): connection.execute(hash_of.format(sql.Identifier(*name))).fetchall()[0][
                0
            ]
            for name in relations
        }
