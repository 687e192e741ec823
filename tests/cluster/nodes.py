"""A real Citus cluster that somebody else runs: a database on all of its nodes, nodes stopped."""

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from orchestrator.config import PROJECT_ROOT, URL_VARIABLES, Component, Settings, load_settings
from orchestrator.database.connection import connect
from orchestrator.database.migrate import COMPONENT_GROUPS, prepare_database
from orchestrator.database.people import add_person

# The administrator's address, all nodes in it as libpq lists several hosts: the coordinator first,
# then two workers or more. Its login opens each of them.
URL = "SETTLE_TEST_CITUS_URL"
# A command that takes `stop`, `kill` or `start`, and a node's host and port.
CONTROL = "SETTLE_TEST_CITUS_CONTROL"
# A command that takes `backup`, a node's host and port; or `restore`, the same of a node that is
# stopped, and the named point to which its last backup goes.
ARCHIVE = "SETTLE_TEST_CITUS_ARCHIVE"
# Read once: while a build runs in this process its environment is dbt's alone.
COMMAND = shlex.split(os.environ.get(CONTROL, ""))
ARCHIVING = shlex.split(os.environ.get(ARCHIVE, ""))
SECRET = "word-of-a-cluster"  # noqa: S105 - of logins that are gone with their test file
OWNER, PEOPLE = "cluster_owner", ("cluster_ana", "cluster_ben")
DEPLOY = PROJECT_ROOT / "deploy" / "citus"


def login_of(component: Component) -> str:
    return OWNER if component is Component.OWNER else f"cluster_{component}"


@dataclass(frozen=True)
class Node:
    """One server of the cluster, as its administrator reaches it."""

    host: str
    port: str
    rest: dict[str, Any] = field(repr=False)

    def url(self, database: str) -> str:
        return make_conninfo("", **self.rest | {"dbname": database}, host=self.host, port=self.port)

    def run(self, database: str, *statements: str | sql.Composable) -> list[Any]:
        """As the administrator, each by itself; the rows of the last."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                text = statement.encode() if isinstance(statement, str) else statement
                cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []

    def control(self, verb: str) -> None:
        """Stop, kill or start it; the test is skipped where nobody said how."""
        if not COMMAND:
            pytest.skip(f"{CONTROL} is not set: no node was stopped")
        self._command(*COMMAND, verb, self.host, self.port)

    def backup(self) -> None:
        self._command(*ARCHIVING, "backup", self.host, self.port)

    def restore(self, point: str) -> None:
        self._command(*ARCHIVING, "restore", self.host, self.port, point)
        while self.run("postgres", "select pg_is_in_recovery()") != [(False,)]:
            time.sleep(0.2)

    def _command(self, *words: str) -> None:
        subprocess.run(words, check=True, timeout=180, stdout=subprocess.DEVNULL)

    @contextmanager
    def down(self, verb: str = "stop") -> Iterator[None]:
        self.control(verb)
        try:
            yield
        finally:
            self.control("start")
            self.wait()

    def wait(self) -> None:
        for _ in range(100):
            try:
                self.run("postgres", "select 1")
                return
            except psycopg.OperationalError:
                time.sleep(0.2)
        raise AssertionError(f"{self.host}:{self.port} does not come back")


@dataclass(frozen=True)
class Cluster:
    """A database of this test file's on every node, gone with it."""

    coordinator: Node
    workers: tuple[Node, ...]
    database: str
    home: Path

    @property
    def nodes(self) -> tuple[Node, ...]:
        return (self.coordinator, *self.workers)

    def run(self, *statements: str | sql.Composable) -> list[Any]:
        """On the coordinator, in the database, as its administrator."""
        return self.coordinator.run(self.database, *statements)

    def add(self, worker: Node) -> None:
        """What the administrator runs for one more worker; then settle db start."""
        self.run(sql.SQL("select citus_add_node({}, {})").format(worker.host, int(worker.port)))
        prepare_database(self.settings(), is_asked=True)

    def settings(self, now: str = "") -> Settings:
        """Of the components' logins, which open the coordinator alone, by password."""
        rest = {k: v for k, v in self.coordinator.rest.items() if k in ("sslmode", "sslrootcert")}
        urls = {
            component: make_conninfo(
                "",
                **rest,
                host=self.coordinator.host,
                port=self.coordinator.port,
                dbname=self.database,
                user=login_of(component),
                password=SECRET,
            )
            for component in Component
        }
        named = {"SETTLE_HOME": str(self.home), "SETTLE_NOW": now}
        return load_settings({**named, **environment(urls)})


def environment(urls: dict[Component, str]) -> dict[str, str]:
    return {URL_VARIABLES[component]: url for component, url in urls.items()}


def nodes_given() -> tuple[Node, ...]:
    """The cluster that the environment names, the coordinator first; empty where it names none."""
    if URL not in os.environ:
        return ()
    parts = conninfo_to_dict(os.environ[URL])
    hosts, ports = str(parts.pop("host")).split(","), str(parts.pop("port")).split(",")
    assert len(hosts) == len(ports) >= 3, f"{URL} names a coordinator and two workers or more"
    return tuple(Node(host, port, parts) for host, port in zip(hosts, ports, strict=True))


def prepare_node(cluster: Cluster, node: Node, file: str) -> None:
    """What the administrator runs on it, as psql reads it."""
    node.run("postgres", sql.SQL("create database {}").format(sql.Identifier(cluster.database)))
    text = (DEPLOY / file).read_text(encoding="utf-8")
    for variable, value in (("owner", OWNER), ("DBNAME", cluster.database)):
        text = text.replace(f':"{variable}"', f'"{value}"')
    node.run(cluster.database, text)


def make_database(cluster: Cluster, joining: int) -> None:
    """What docs/operations/cluster.md asks of the administrator; the first workers join."""
    for worker in cluster.workers:
        prepare_node(cluster, worker, "worker.sql")
    here = cluster.coordinator
    prepare_node(cluster, here, "coordinator.sql")
    cluster.run(
        sql.SQL("select citus_set_coordinator_host({}, {})").format(here.host, int(here.port)),
        *(
            sql.SQL("select citus_add_node({}, {})").format(w.host, int(w.port))
            for w in cluster.workers[:joining]
        ),
        sql.SQL("alter role {} password {}").format(sql.Identifier(OWNER), SECRET),
    )


def install(cluster: Cluster) -> None:
    """`settle db start`, logins of the components, and two people of finance."""
    prepare_database(cluster.settings(), is_asked=True)
    with psycopg.connect(cluster.settings().urls[Component.OWNER]) as owner:
        for component, group in COMPONENT_GROUPS.items():
            login, group_name = sql.Identifier(login_of(component)), sql.Identifier(group)
            create = sql.SQL("create role {} login password {} in role {}")
            owner.execute(create.format(login, SECRET, group_name))
    for person in PEOPLE:
        add_person(cluster.settings(), person, SECRET, "finance")


def drop_database(cluster: Cluster) -> None:
    """On every node, with the logins of the tests, which are of all databases."""
    drop = sql.SQL("drop database if exists {} with (force)")
    for node in cluster.nodes:
        node.run("postgres", drop.format(sql.Identifier(cluster.database)))
    for node in cluster.nodes:
        logins = node.run(
            "postgres",
            "select rolname from pg_roles where rolname like 'cluster\\_%'"
            " or rolname in ('settle_owner', 'settle_dbt', 'settle_orchestrator', 'settle_webhook',"
            " 'settle_finance', 'settle_portal', 'settle_analyst', 'settle_reader',"
            " 'settle_marketplace') order by rolname like 'cluster\\_%' desc,"
            " rolname = 'cluster_owner'",
        )
        for (login,) in logins:
            role = sql.Identifier(login)
            node.run("postgres", sql.SQL("drop owned by {} cascade").format(role))
        for (login,) in logins:
            node.run("postgres", sql.SQL("drop role {}").format(sql.Identifier(login)))


def faults(cluster: Cluster) -> list[tuple[Any, ...]]:
    """What the doctor says of the nodes."""
    with connect(cluster.settings(), Component.DBT) as dbt:
        return dbt.execute("select * from finance.node_faults()").fetchall()
