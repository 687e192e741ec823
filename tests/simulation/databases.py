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
from orchestrator.database.versions import FOLDER
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


def set_aside(settings: Settings) -> str:
    """Copy a database that nobody is connected to; returns the copy's name."""
    name = f"backup_{next(_numbers)}"
    statement = sql.SQL("create database {} template {} strategy file_copy")
    _maintain_of(
        settings, statement.format(sql.Identifier(name), sql.Identifier(name_of(settings)))
    )
    return name


def put_back(settings: Settings, backup: str) -> None:
    """The copy takes the place of the database, under its name."""
    drop(settings, name_of(settings))
    statement = sql.SQL("alter database {} rename to {}")
    _maintain_of(
        settings, statement.format(sql.Identifier(backup), sql.Identifier(name_of(settings)))
    )
    with psycopg.connect(settings.urls[Component.OWNER]) as owner:
        owner.execute((FOLDER / "roles.sql").read_bytes())  # a copy takes no grants on itself


def drop(settings: Settings, name: str) -> None:
    """Whoever is connected to it."""
    statement = sql.SQL("drop database {} with (force)")
    _maintain_of(settings, statement.format(sql.Identifier(name)))


def name_of(settings: Settings) -> str:
    """The database that the settings speak of."""
    return settings.urls[Component.OWNER].rpartition("/")[2].partition("?")[0]


def _maintain_of(settings: Settings, statement: sql.Composed) -> None:
    url = settings.urls[Component.OWNER].replace(f"/{name_of(settings)}", "/postgres")
    with psycopg.connect(url, autocommit=True) as maintenance:
        maintenance.execute(statement)
