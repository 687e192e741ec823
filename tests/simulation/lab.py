"""The server on which histories are lived, and the project compiled for it."""

from __future__ import annotations

import functools
import logging
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg

from orchestrator.config import Settings
from orchestrator.database.people import add_person
from orchestrator.embedded_postgres.server import DATABASE, EmbeddedPostgres
from tests.functions.payment_server import OWNER, PEOPLE
from tests.simulation.compiled import Project, compile_project
from tests.simulation.databases import copy_of, make_copy
from tests.simulation.history import Simulation
from tests.simulation.world import ZONES
from tests.support.postgres import copy_home, place
from tests.support.settings import make_settings, migrate


@dataclass(frozen=True)
class Lab:
    """`templates` are databases, one per zone, whose views speak of it."""

    home: Path
    project: Project
    templates: dict[str, str]

    @contextmanager
    def history(self, seed: int, weeks: int) -> Iterator[Simulation]:
        """One that has not begun, in a database of its own. The rail's moods are not logged."""
        zone = ZONES[seed % len(ZONES)]
        project = replace(self.project, zone=zone)
        with copy_of(self.home, self.templates[zone]) as settings:
            simulation = Simulation(seed, weeks, settings, project, EmbeddedPostgres(self.home))
            logging.disable()
            try:
                yield simulation
            finally:
                logging.disable(logging.NOTSET)
                simulation.leave()


# A history's data is little, in memory and asked for often: no plan depends on its parameters, none
# is made anew for what a vacuum found, no other process is asked to read a page, and emptying a
# table looks through few of them. A crash of this server is the end of its histories anyway.
SETTINGS = """
alter system set io_method = 'sync';
alter system set shared_buffers = '128MB';
alter system set plan_cache_mode = 'force_generic_plan';
alter system set autovacuum = off;
alter system set synchronous_commit = off;
alter system set full_page_writes = off;
"""
# A session that is kept for the next program gives its turn back, as one that ends does.
TURNS = """
create schema simulation;
create function simulation.end_turns() returns void
language sql security definer set search_path = pg_catalog, pg_temp
as 'select pg_advisory_unlock_all()';
grant usage on schema simulation to public;
"""


@functools.cache
def lab() -> Lab:
    """The one of this process; the first of all processes makes it, and the others copy it."""
    home = place() / "lab"
    copy_home("lab", _make, home)
    project, templates = pickle.loads((home / "project").read_bytes())  # noqa: S301
    return Lab(home, project, templates)


def _make(home: Path) -> None:
    settings, server = make_settings(home), EmbeddedPostgres(home)
    migrate(home)
    with psycopg.connect(server.url(OWNER), autocommit=True) as database:
        # Keys are made of it, and what the rail does depends on keys: one seed, one history.
        database.execute("update finance.installation set installation_id = 'simulated'")
        for statement in SETTINGS.strip().splitlines():
            database.execute(statement.encode())
        database.execute(TURNS)
    for name, group in PEOPLE.items():
        add_person(settings, name, server.password(name), group)
    project = compile_project(settings)
    templates = {zone: _template(settings, project, zone) for zone in ZONES}
    (home / "project").write_bytes(pickle.dumps((project, templates)))


def _template(settings: Settings, project: Project, zone: str) -> str:
    name = f"zone_{zone.replace('/', '_').lower()}"
    copy = make_copy(settings.home, DATABASE, name)
    replace(project, zone=zone).replace_views(copy)
    return name
