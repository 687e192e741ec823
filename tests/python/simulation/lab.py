"""The server on which histories are lived, and the project compiled for it."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from conftest import make_settings
from payment_server import OWNER, PEOPLE

from orchestrator.config import Settings
from orchestrator.embedded import DATABASE, EmbeddedPostgres
from orchestrator.migrate import add_person, prepare_database
from simulation.compiled import Project, compile_project
from simulation.databases import copy_of, make_copy
from simulation.history import Simulation
from simulation.world import ZONES


@dataclass(frozen=True)
class Lab:
    """`templates` are databases, one per zone, whose views speak of it."""

    home: Path
    project: Project
    templates: dict[str, str]

    @contextmanager
    def history(self, seed: int, weeks: int) -> Iterator[Simulation]:
        """One that has not begun, in a database of its own."""
        zone = ZONES[seed % len(ZONES)]
        project = replace(self.project, zone=zone)
        with copy_of(self.home, self.templates[zone]) as settings:
            simulation = Simulation(seed, weeks, settings, project, EmbeddedPostgres(self.home))
            try:
                yield simulation
            finally:
                simulation.office.leave()


@functools.cache
def lab() -> Lab:
    """The one of this process, gone with it."""
    home = Path(tempfile.mkdtemp(prefix="settle-lab-"))
    home.chmod(0o755)
    settings, server = make_settings(home), EmbeddedPostgres(home)
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    atexit.register(server.stop)
    prepare_database(settings)
    with psycopg.connect(server.url(OWNER), autocommit=True) as database:
        database.execute("alter system set fsync = off")  # nothing here outlives a power cut
        database.execute("select pg_reload_conf()")
        [folder] = database.execute("select current_setting('data_directory')").fetchone() or ("",)
    if not Path(folder).is_relative_to(home):  # root's servers keep their data elsewhere
        atexit.unregister(server.stop)
        atexit.register(shutil.rmtree, Path(folder).parent, ignore_errors=True)
        atexit.register(server.stop)
    for name, group in PEOPLE.items():
        add_person(settings, name, server.password(name), group)
    project = compile_project(settings)
    templates = {zone: _template(settings, project, zone) for zone in ZONES}
    return Lab(home, project, templates)


def _template(settings: Settings, project: Project, zone: str) -> str:
    name = f"zone_{zone.replace('/', '_').lower()}"
    copy = make_copy(settings.home, DATABASE, name)
    replace(project, zone=zone).replace_views(copy)
    return name
