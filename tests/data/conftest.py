"""Marketplaces to load into."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import database_url
from orchestrator.loading.load import LoadReport, load_directory
from tests.data.importer import Importer
from tests.data.load_files import HEADERS, Connection, Load


@pytest.fixture
def database(settings: Settings) -> str:
    """The URL of an empty marketplace that can be committed to."""
    url = database_url(settings, Component.OWNER)
    with psycopg.connect(url, dbname="postgres", autocommit=True) as server:
        server.execute("drop database if exists scratch with (force)")
        server.execute("create database scratch template settle")
    return psycopg.conninfo.make_conninfo(url, dbname="scratch")


@pytest.fixture
def marketplace_db(settings: Settings) -> Iterator[Connection]:
    """An empty marketplace in a transaction that is rolled back."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        connection.execute("select 1")
        yield connection
        connection.rollback()


@pytest.fixture
def load(marketplace_db: Connection, tmp_path: Path) -> Load:
    """Load files given by name as bytes, or as rows below the full header."""

    def run(files: dict[str, bytes | str | list[str]]) -> LoadReport:
        for old in tmp_path.glob("*.csv"):
            old.unlink()
        for name, content in files.items():
            if isinstance(content, list):
                content = "\n".join([HEADERS[name], *content]) + "\n"
            if isinstance(content, str):
                content = content.encode()
            (tmp_path / name).write_bytes(content)
        return load_directory(marketplace_db, tmp_path)

    return run


@pytest.fixture
def importer(settings: Settings, tmp_path: Path) -> Iterator[Importer]:
    """In a transaction that is rolled back."""
    with psycopg.connect(database_url(settings, Component.OWNER)) as connection:
        yield Importer(connection, tmp_path)
        connection.rollback()
