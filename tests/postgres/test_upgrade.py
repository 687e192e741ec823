"""The database of each release, as release_dump.py left it, upgraded in place and paid on."""

import json
import lzma
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from orchestrator.config import Component
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.functions.batches.test_restore import run
from tests.postgres.release_dump import RELEASES
from tests.postgres.test_external import start
from tests.support.closed_week import FINANCE, OPEN_WINDOW, SECOND, WINDOW
from tests.support.settings import SettleHome
from tests.support.shell import Shell, ShellInProcess

DUMPS = sorted(RELEASES.glob("*.dump.xz"))
DUE, WEEK_LATER = "2026-11-17T09:00:00Z", "2026-11-24T08:00:00Z"
# What no upgrade may touch, row by row.
EVIDENCE = (
    *("window_closes", "window_close_rows", "window_close_health", "window_close_entries"),
    *(
        "approvals",
        "approval_lines",
        "payout_lines",
        "payout_calls",
        "line_windows",
        "seller_holds",
    ),
)


def evidence(owner: psycopg.Connection[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Every row of what was decided, frozen or stored; calls with the bytes they send."""
    return {
        table: owner.execute(
            sql.SQL("select * from finance.{} as t order by t::text").format(sql.Identifier(table))
        ).fetchall()
        for table in EVIDENCE
    }


def restore(home: Path, dump: Path) -> EmbeddedPostgres:
    """As an operator does on a new machine: its groups are there, its database is the old one."""
    server = EmbeddedPostgres(home)
    with psycopg.connect(server.url(Component.OWNER, "postgres"), autocommit=True) as owner:
        owner.execute("drop database settle with (force)")
        owner.execute("create database settle template template0")
    unpacked = home / "release.dump"
    unpacked.write_bytes(lzma.decompress(dump.read_bytes()))
    run("pg_restore", "--exit-on-error", "--dbname", server.url(Component.OWNER), str(unpacked))
    return server


@pytest.mark.slow
@pytest.mark.parametrize("dump", DUMPS, ids=[dump.name.removesuffix(".dump.xz") for dump in DUMPS])
def test_the_database_of_a_release_pays_on(dump: Path, settle_home: SettleHome) -> None:
    home = settle_home("upgraded").home
    server = restore(home, dump)
    with psycopg.connect(server.url(Component.OWNER), row_factory=dict_row) as owner:
        before = evidence(owner)

    settle = ShellInProcess(home, SETTLE_NOW=DUE)
    settle.done("db", "start")
    for name in (FINANCE, SECOND):
        password = {"SETTLE_PASSWORD": server.password(name)}
        settle.done("user", "add", name, "--group", "finance", **password)
    with psycopg.connect(server.url(Component.OWNER), row_factory=dict_row) as owner:
        after = evidence(owner)
    for table, rows in before.items():
        assert len(rows) == len(after[table]), table
        assert all(row.items() <= after[table][n].items() for n, row in enumerate(rows)), table

    [batch] = json.loads(settle.done("status", WINDOW, "--json"))
    assert (batch["state"], batch["open_breaks"], batch["left_out"]) == ("unknown", 1, 1)
    settle.done("build")
    with ExitStack() as stack:
        webhooks = start(stack, settle, "serve")
        rail = {"HALFIN_BASE_URL": start(stack, settle, "sandbox", "--webhook-url", webhooks)}
        # The call that had no answer is sent again, the same bytes under the same key.
        assert settle.done("pay", WINDOW, **rail) == f"The batch of {WINDOW} is accepted.\n"
        paid_in_full(settle, WINDOW, rail)

        orders = ["order_id,checkout_id,seller_id,currency,gross_amount,ordered_at,recorded_at"]
        seller = before["payout_lines"][0]["seller_id"]
        orders.append(f"new,new,{seller},USD,5.00,2026-11-22T12:00:00Z,2026-11-22T12:00:00Z")
        (home / "new").mkdir()
        (home / "new" / "orders.csv").write_text("\n".join(orders) + "\n")
        later = rail | {"SETTLE_NOW": WEEK_LATER}
        settle.done("load", str(home / "new"), **later)
        assert settle.done("close", **later) == f"Closed {OPEN_WINDOW}.\n"
        document = json.loads(settle.done("review", OPEN_WINDOW, "--json", **later))
        assert document["line_count"] > 0
        approve = ("approve", OPEN_WINDOW, "--digest", document["digest"], "--as")
        for name in (FINANCE, SECOND):
            settle.done(*approve, name, **later, SETTLE_PASSWORD=server.password(name))
        assert settle.done("pay", OPEN_WINDOW, **later) == (
            f"The batch of {OPEN_WINDOW} is accepted.\n"
        )
        paid_in_full(settle, OPEN_WINDOW, later)


def paid_in_full(settle: Shell, window: str, environment: dict[str, str]) -> None:
    """Each line of the window has its outcome at the rail, and it is paid."""
    deadline = time.monotonic() + 60
    while True:
        [row] = json.loads(settle.done("status", window, "--json", **environment))
        if not row["submitted"]:
            break
        assert time.monotonic() < deadline, row
        time.sleep(0.5)
    assert row["paid"] > 0
    assert row["failed"] == 0


def test_there_is_a_release_to_upgrade_from() -> None:
    assert DUMPS
