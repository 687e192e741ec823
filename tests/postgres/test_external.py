"""A PostgreSQL of one's own, the oldest we support: the same week, each component by its login."""

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from orchestrator.config import URL_VARIABLES, Component
from orchestrator.database.migrate import COMPONENT_GROUPS
from orchestrator.demo.generate import make_wallet
from tests.support.shell import Shell

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
OPTIONS = "-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -p "
SECRET = "word-of-a-server"  # noqa: S105 - of a server that is gone in a minute
WINDOW = "2026-W46"
ORDERED, CLOSE, DUE = "2026-11-03T12:00:00Z", "2026-11-16T00:15:00Z", "2026-11-17T08:00:00Z"
LATEST = "2026-11-15T12:00:00Z"


@dataclass(frozen=True)
class Server:
    """A cluster on loopback, run by another user where we are root."""

    folder: Path
    port: int

    def url(self, login: str, database: str = "payouts") -> str:
        return f"postgresql://{login}:{SECRET}@127.0.0.1:{self.port}/{database}"

    def run(self, program: str, *arguments: object) -> None:
        info = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        as_root = {"user": info.pw_uid, "group": info.pw_gid, "extra_groups": []}
        subprocess.run(
            [PROGRAMS[0] / program, *map(str, arguments)],
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            check=True,
            **(as_root if os.geteuid() == 0 else {}),  # type: ignore[arg-type]
        )


@pytest.fixture
def server() -> Iterator[Server]:
    if not PROGRAMS:
        pytest.skip(
            "no /usr/lib/postgresql/*/bin: apt-get install postgresql, to test an external server"
        )
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="settle-external-"))
        stack.callback(shutil.rmtree, folder)
        folder.chmod(0o777)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        server = Server(folder, port)
        (folder / "word").write_text(SECRET)
        server.run("initdb", "-A", "scram-sha-256", "-U", "postgres", "--pwfile", folder / "word",
                   "-E", "UTF8", "--locale", "C", "-D", folder / "data")  # fmt: skip
        start = ("-w", "-l", folder / "log", "-o", f"{OPTIONS}{port}", "-D", folder / "data")
        server.run("pg_ctl", "start", *start)
        stack.callback(server.run, "pg_ctl", "stop", "-m", "immediate", "-D", folder / "data")
        with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as superuser:
            superuser.execute(f"create role payouts login createrole password '{SECRET}'")
            superuser.execute("create database payouts owner payouts")
        yield server


def write_data(folder: Path) -> Path:
    """Two sellers on two rails; each has one order that is released in WINDOW."""
    folder.mkdir()
    sellers = ["seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,"
               "updated_at"]  # fmt: skip
    orders = ["order_id,checkout_id,seller_id,currency,gross_amount,ordered_at,recorded_at"]
    fees = ["fee_id,order_id,seller_id,fee_type,amount,charged_at,recorded_at"]
    for n, (fast, rail) in enumerate((("false", "ERC-20"), ("true", "SPL")), start=1):
        wallet = make_wallet(1, n, rail, "valid")
        sellers.append(f"s{n},Shop {n},EU,{fast},{wallet},active,{ORDERED},{ORDERED}")
        orders.append(f"o{n},c{n},s{n},USD,{n}00.00,{ORDERED},{ORDERED}")
        fees.append(f"f{n},o{n},s{n},commission,12.34,{ORDERED},{ORDERED}")
    # Still in reserve at the close: the sources were alive until the end of the window.
    orders.append(f"o3,c3,s1,USD,5.00,{LATEST},{LATEST}")
    for name, lines in (("sellers", sellers), ("orders", orders), ("order_fees", fees)):
        (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.mark.slow
def test_a_week_on_an_external_server(server: Server, tmp_path: Path) -> None:
    """No superuser anywhere: the owner of the database may create roles, and nothing more."""
    urls = {URL_VARIABLES[Component.OWNER]: server.url("payouts")}
    migrate = Shell(tmp_path / "home", **urls)
    assert migrate.done("db", "start") == "Postgres is up (external).\n"
    assert "SETTLE_ORCHESTRATOR_URL is not set" in migrate.refused("build")
    with psycopg.connect(server.url("payouts")) as owner:
        for component, group in COMPONENT_GROUPS.items():
            login = f"payouts_{component}"
            urls[URL_VARIABLES[component]] = server.url(login)
            create = sql.SQL("create role {} login password {} in role {}")
            values = (sql.Identifier(login), sql.Literal(SECRET), sql.Identifier(group))
            owner.execute(create.format(*values))

    settle = Shell(tmp_path / "home", **urls, SETTLE_NOW=CLOSE, SETTLE_PASSWORD=SECRET)
    settle.done("load", str(write_data(tmp_path / "data")))
    settle.done("user", "add", "ana", "--group", "finance")
    assert settle.done("close") == f"Closed {WINDOW}.\n"
    document = json.loads(settle.done("review", WINDOW, "--json"))
    assert (document["line_count"], document["total"]) == (2, "275.32")
    settle.done("approve", WINDOW, "--digest", document["digest"], "--as", "ana")

    with ExitStack() as stack:
        # The receiver knows its own login and nothing else of the database.
        only = {name: urls[name] for name in (URL_VARIABLES[Component.WEBHOOK],)}
        webhooks = start(stack, Shell(tmp_path / "home", **only), "serve")
        rail = start(stack, settle, "sandbox", "--webhook-url", webhooks)
        pay = {"HALFIN_BASE_URL": rail, "SETTLE_NOW": DUE}
        assert settle.done("pay", WINDOW, **pay) == f"The batch of {WINDOW} is accepted.\n"
        deadline = time.monotonic() + 60
        while (row := json.loads(settle.done("status", WINDOW, "--json", **pay))[0])["paid"] < 2:
            assert time.monotonic() < deadline, row
            time.sleep(0.5)
        assert (row["state"], row["paid_amount"]) == ("accepted", "275.32")
        assert settle.done("reconcile", **pay) == "0 lines got an outcome or came back.\n"


def start(stack: ExitStack, settle: Shell, *arguments: str) -> str:
    """Run a service on a free port until the stack ends; returns its URL."""
    process = stack.enter_context(settle.start(*arguments, "--port", "0"))
    stack.callback(process.terminate)
    assert process.stdout
    return process.stdout.readline().split()[-1]
