"""From `settle load` to the paid line: a monthly seller, one who pauses, one with a minimum, the
last payout of one who left, and a payout day that is a holiday."""

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import PROJECT_ROOT, Component
from orchestrator.database.connection import connect, rows
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from tests.functions.market import rail, wallet_of
from tests.halfin.sandbox import KEY
from tests.support.settings import make_settings
from tests.support.shell import Shell

PARTS = ("orchestrator", "models", "macros", "seeds", "snapshots", "tests/dbt")
FILES = ("dbt_project.yml", "profiles.yml.example", "pyproject.toml")
# Windows that end on Sunday 8 November and on 6 December, the first Sunday of its month.
SECOND_WEEK, FIRST_WEEK = "2026-W45", "2026-W49"
SELLERS = {
    "steady": {},
    "monthly": {"payout_schedule": "monthly"},
    "paused": {"payout_schedule": "paused"},
    "saver": {"payout_minimum": "50.00"},
    "left": {"status": "closed"},
}
SOLD = {"steady": "100.00", "monthly": "80.00", "paused": "70.00", "saver": "30.00", "left": "3.00"}


class Project(Shell):
    """`settle` from a copy of the project, whose seeds are this team's own."""

    def __init__(self, folder: Path, **environment: str) -> None:
        super().__init__(folder / "home", **environment)
        self.folder = folder
        self.now = "2026-11-08T00:00:00Z"

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "orchestrator", *arguments],
            cwd=self.folder / "project",
            env={**self._environment, "SETTLE_NOW": self.now, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def load(self, folder: str, **tables: list[dict[str, str]]) -> None:
        to = self.folder / folder
        to.mkdir()
        for name, found in tables.items():
            with (to / f"{name}.csv").open("w", newline="") as file:
                writer = csv.DictWriter(file, [*found[0]])
                writer.writeheader()
                writer.writerows(found)
        self.done("load", str(to))

    def person(self, name: str) -> dict[str, str]:
        return {"SETTLE_PASSWORD": EmbeddedPostgres(self.home).password(name)}

    def decided(self, name: str, *arguments: str, **environment: str) -> str:
        return self.done(*arguments, "--as", name, **self.person(name), **environment)

    def query(self, text: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with connect(make_settings(self.home), Component.ORCHESTRATOR) as database:
            return [tuple(row.values()) for row in rows(database, text, *parameters)]

    def approve(self, window: str) -> None:
        digest = json.loads(self.done("review", window, "--json"))["digest"]
        self.decided("ana", "approve", window, "--digest", digest)

    def pay(self, window: str, **at_rail: str) -> None:
        self.done("pay", window, **at_rail)
        self.done("reconcile", **at_rail)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    copy = tmp_path / "project"
    for part in PARTS:
        shutil.copytree(PROJECT_ROOT / part, copy / part)
    for name in FILES:
        shutil.copy(PROJECT_ROOT / name, copy / name)
    # A Tuesday on which banks and the team are closed.
    (copy / "seeds" / "payout_holidays.csv").write_text("day,name\n2026-11-10,St Martin's eve\n")
    project = Project(tmp_path)
    yield project
    EmbeddedPostgres(project.home).stop()


def seller(name: str, updated_at: str = "2026-10-01T00:00:00Z", **other: str) -> dict[str, str]:
    known = {
        "seller_id": name,
        "display_name": name,
        "region": "NA",
        "fast_settlement": "false",
        "wallet_address": wallet_of(name, "ERC-20"),
        "status": "active",
        "created_at": "2026-10-01T00:00:00Z",
        "updated_at": updated_at,
        "payout_schedule": "weekly",
        "payout_minimum": "",
    }
    return known | other


def order(name: str, amount: str, ordered_at: str) -> dict[str, str]:
    return {
        "order_id": f"{name} {ordered_at}",
        "checkout_id": f"{name} {ordered_at}",
        "seller_id": name,
        "currency": "USD",
        "gross_amount": amount,
        "ordered_at": ordered_at,
        "recorded_at": ordered_at,
    }


def held(project: Project, window: str) -> dict[str, str]:
    query = (
        "select seller_id, hold_reason from settlement.seller_settlement"
        " where payout_window = %s and status = 'held'"
    )
    return dict(project.query(query, window))


def paid(project: Project, window: str) -> dict[str, str]:
    query = (
        "select l.seller_id, finance.money(l.amount_minor) from finance.payout_lines as l"
        " inner join settlement.seller_settlement as s using (seller_id, payout_window)"
        " where l.payout_window = %s and l.state = 'completed' and s.status = 'paid'"
    )
    return dict(project.query(query, window))


@pytest.mark.nightly("weeks of a marketplace, each closed and paid by processes")
def test_what_sellers_ask_for_is_paid_as_they_asked(project: Project) -> None:
    project.load(
        "october",
        sellers=[seller(name, **wish) for name, wish in SELLERS.items()],
        orders=[
            *(order(name, amount, "2026-10-27T12:00:00Z") for name, amount in SOLD.items()),
            # A source that has gone quiet stops a payout.
            order("steady", "20.00", "2026-11-07T12:00:00Z"),
        ],
    )
    project.now = "2026-11-09T00:15:00Z"
    project.done("close", SECOND_WEEK)
    for name in ("ana", "ben"):
        project.done("user", "add", name, "--group", "finance", **project.person(name))
    assert held(project, SECOND_WEEK) == {
        "monthly": "not_scheduled",
        "paused": "seller_paused",
        "saver": "below_seller_minimum",
        "left": "seller_closed",
    }
    # Three dollars are below the rail's minimum, and the last that this seller is owed.
    note = ("--note", "their last payout")
    for reason in ("seller_closed", "below_minimum"):
        said = project.decided("ben", "release", SECOND_WEEK, "left", *note)
        assert said == f"left is released from {reason} in {SECOND_WEEK}.\n"
    with rail() as url:
        at_rail = {"HALFIN_BASE_URL": url, "HALFIN_API_KEY": KEY}
        project.now = "2026-11-10T09:00:00Z"  # Tuesday, the holiday
        project.approve(SECOND_WEEK)
        assert "2026-11-11 08:00" in project.refused("pay", SECOND_WEEK, **at_rail)
        project.now = "2026-11-11T08:00:00Z"
        project.pay(SECOND_WEEK, **at_rail)
        assert paid(project, SECOND_WEEK) == {"steady": "100.00", "left": "3.00"}

        project.now = "2026-12-06T00:00:00Z"
        project.load(
            "november",
            sellers=[seller("paused", "2026-11-20T00:00:00Z")],
            orders=[
                order("saver", "25.00", "2026-11-12T12:00:00Z"),
                order("steady", "20.00", "2026-11-24T12:00:00Z"),
                order("steady", "10.00", "2026-12-05T12:00:00Z"),
            ],
        )
        project.now = "2026-12-07T00:15:00Z"
        project.done("close", FIRST_WEEK)
        assert held(project, FIRST_WEEK) == {}
        project.approve(FIRST_WEEK)
        project.now = "2026-12-08T08:00:00Z"
        project.pay(FIRST_WEEK, **at_rail)
        # What waited is paid with the first window that lets it.
        assert paid(project, FIRST_WEEK) == {
            "monthly": "80.00",
            "paused": "70.00",
            "saver": "55.00",
            "steady": "40.00",
        }
