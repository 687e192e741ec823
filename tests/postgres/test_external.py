"""A PostgreSQL of one's own, the oldest we support, over TLS: the same week, each login its own.

Every client looks at the server's certificate, and refuses one that is another's in one line.
"""

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from orchestrator.config import DAGSTER_URL_VARIABLE, URL_VARIABLES, Component, load_settings
from orchestrator.database.migrate import COMPONENT_GROUPS
from orchestrator.dbt.runner import run_dbt
from orchestrator.demo.generate import make_wallet
from orchestrator.errors import SettleError
from tests.postgres.external_server import SECRET, Server, external_server
from tests.support.shell import Shell, ShellInProcess

WINDOW = "2026-W46"
ORDERED, CLOSE, DUE = "2026-11-03T12:00:00Z", "2026-11-16T00:15:00Z", "2026-11-17T08:00:00Z"
LATEST = "2026-11-15T12:00:00Z"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with external_server() as server:
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


@pytest.mark.nightly(
    "a week of its own on Debian's server: in make test that server refuses who it should"
)
def test_a_week_on_an_external_server(server: Server, tmp_path: Path) -> None:
    """No superuser anywhere: the owner of the database may create roles, and nothing more.

    Nobody connects without TLS, and everybody checks by the certificate who the server is.
    """
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

    urls[DAGSTER_URL_VARIABLE] = server.url("history", "history")
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
    with psycopg.connect(server.url("history", "history")) as history:
        assert history.execute("select count(*) > 0 from runs").fetchone() == (True,)


def start(stack: ExitStack, settle: Shell, *arguments: str) -> str:
    """Run a service on a free port until the stack ends; returns its URL."""
    process = stack.enter_context(settle.start(*arguments, "--port", "0"))
    stack.callback(process.terminate)
    assert process.stdout
    return process.stdout.readline().split()[-1]


def mistaken(server: Server, login: str, database: str, mistake: str) -> tuple[str, str]:
    """A URL by which the server cannot be known for ours, and what is said about it."""
    if mistake == "another CA":
        return server.url(login, database, ca="other.pem"), "certificate verify failed"
    if mistake == "another name":
        url = server.url(login, database, host="127.0.0.1")
        return url, 'does not match host name "127.0.0.1"'
    return server.url(login, database, mode="disable"), "no pg_hba.conf entry"


@pytest.fixture(scope="module")
def prepared(server: Server) -> dict[str, str]:
    """The URLs of a database with logins, each over TLS with a look at the certificate."""
    urls = {URL_VARIABLES[Component.OWNER]: server.url("other", "other")}
    ShellInProcess(server.folder / "home", **urls).done("db", "start")
    with psycopg.connect(server.url("other", "other")) as owner:
        for component, group in COMPONENT_GROUPS.items():
            login = f"other_{component}"
            urls[URL_VARIABLES[component]] = server.url(login, "other")
            create = sql.SQL("create role {} login password {} in role {}")
            values = (sql.Identifier(login), sql.Literal(SECRET), sql.Identifier(group))
            owner.execute(create.format(*values))
    return urls


MISTAKES = pytest.mark.parametrize("mistake", ["another CA", "another name", "no TLS"])


@MISTAKES
@pytest.mark.parametrize("component", [Component.OWNER, Component.ORCHESTRATOR])
def test_psycopg_refuses_a_server_that_is_not_ours(
    prepared: dict[str, str], server: Server, tmp_path: Path, component: Component, mistake: str
) -> None:
    login = {Component.OWNER: "other"}.get(component, f"other_{component}")
    url, reason = mistaken(server, login, "other", mistake)
    said = ShellInProcess(tmp_path, **prepared | {URL_VARIABLES[component]: url}).refused("status")
    assert said.startswith("the database does not answer (")
    assert reason in said


@MISTAKES
def test_dbt_refuses_a_server_that_is_not_ours(
    prepared: dict[str, str], server: Server, tmp_path: Path, mistake: str
) -> None:
    url, reason = mistaken(server, f"other_{Component.DBT}", "other", mistake)
    urls = prepared | {URL_VARIABLES[Component.DBT]: url}
    if mistake == "another CA":
        assert reason in ShellInProcess(tmp_path, **urls).refused("build")
    # By the same profile a project of one model, which dbt reads in no time.
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "one.sql").write_text("select 1 as n")
    (tmp_path / "dbt_project.yml").write_text("name: one\nprofile: settle\n")
    settings = load_settings({"SETTLE_HOME": str(tmp_path), **urls})
    with pytest.raises(SettleError, match=re.escape(reason)):
        run_dbt(settings, ["build"], project=tmp_path)


@MISTAKES
def test_dagster_refuses_a_server_that_is_not_ours(
    prepared: dict[str, str], server: Server, tmp_path: Path, mistake: str
) -> None:
    url, reason = mistaken(server, "history", "history", mistake)
    said = ShellInProcess(tmp_path, **prepared, **{DAGSTER_URL_VARIABLE: url}).refused("home")
    assert said.startswith("the database of SETTLE_DAGSTER_URL does not answer: ")
    assert reason in said
    if mistake == "another CA":  # a run's own connections are the same
        closing = ShellInProcess(tmp_path, **prepared, **{DAGSTER_URL_VARIABLE: url})
        assert closing.refused("close") == said


@MISTAKES
def test_a_persons_client_refuses_a_server_that_is_not_ours(
    prepared: dict[str, str], server: Server, tmp_path: Path, mistake: str
) -> None:
    url, reason = mistaken(server, f"other_{Component.WEBHOOK}", "other", mistake)
    only = {URL_VARIABLES[Component.WEBHOOK]: url}
    shell = ShellInProcess(tmp_path, **only, SETTLE_PASSWORD=SECRET)
    assert reason in shell.refused("pause", "--as", "ana", "--note", "n")
