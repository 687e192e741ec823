"""Copies of databases on one throwaway server: each history has one of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.migrate import FOLDER
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.support.settings import make_settings

_numbers = itertools.count()


@contextmanager
def copy_of(home: Path, template: str) -> Iterator[Settings]:
    """Settings of a copy of one of the home's databases, gone afterwards."""
    name = f"copy_{next(_numbers)}"
    copy = make_copy(home, template, name)
    try:
        yield copy
    finally:
        _maintain(home, sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


def make_copy(home: Path, template: str, name: str) -> Settings:
    """Settings of a copy that stays; its own home is for what dbt writes."""
    server = EmbeddedPostgres(home)
    statement = sql.SQL("create database {} template {} strategy file_copy")
    _maintain(home, statement.format(sql.Identifier(name), sql.Identifier(template)))
    with psycopg.connect(server.url(Component.OWNER, name)) as owner:
        owner.execute((FOLDER / "roles.sql").read_bytes())  # a copy takes no grants on itself
    folder = home / "copies" / name
    folder.mkdir(parents=True, exist_ok=True)
    return replace(make_settings(folder), urls={c: server.url(c.value, name) for c in Component})


def _maintain(home: Path, statement: sql.Composed) -> None:
    url = EmbeddedPostgres(home).url(Component.OWNER, "postgres")
    with psycopg.connect(url, autocommit=True) as maintenance:
        maintenance.execute(statement)
