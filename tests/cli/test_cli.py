"""The command line from outside: exit codes, one clear line, nothing half done, no traceback."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import psycopg
import pytest
import typer
from typer.testing import CliRunner

from orchestrator.cli import app_of
from orchestrator.cli.options import plain_console
from orchestrator.cli.review import PARTS, TABLES, show_review
from orchestrator.config import Component
from tests.support.closed_week import (
    OPEN_WINDOW,
    WINDOW,
    WINDOW_BEFORE,
    ClosedWeek,
    closed_week,
)
from tests.support.shell import Shell, ShellInProcess

NOWHERE = "postgresql://somebody:something@127.0.0.1:1/settle"
X, Y = {"SETTLE_PASSWORD": "x" * 12}, {"SETTLE_PASSWORD": "y" * 12}


@pytest.fixture(scope="module")
def week() -> ClosedWeek:
    return closed_week()


@pytest.fixture(scope="module")
def settle(week: ClosedWeek) -> Shell:
    """`settle` where a window waits for approval; a process of its own is `week.shell`."""
    return week.shell_here


@pytest.fixture
def no_home(tmp_path: Path) -> Iterator[Path]:
    """A home that must not come to be."""
    home = tmp_path / "home"
    yield home
    assert not home.exists()


def test_every_verb_has_help() -> None:
    def verbs(command: click.Command, path: list[str]) -> Iterator[list[str]]:
        yield path
        for name, inner in getattr(command, "commands", {}).items():
            yield from verbs(inner, [*path, name])

    app = app_of()
    found = list(verbs(typer.main.get_command(app), []))  # type: ignore[arg-type]
    assert {"close", "approve", "pay", "sql"} <= {path[0] for path in found if path}
    for path in found:
        answer = CliRunner().invoke(app, [*path, "--help"])
        assert answer.exit_code == 0, path
        assert answer.output.count("Usage:") == 1, path


def test_help_works_as_a_process(no_home: Path) -> None:
    assert "Usage: settle review" in Shell(no_home).done("review", "--help")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ("review 2026-W54", "'2026-W54' is not an ISO week; write it like 2026-W47"),
        ("close 2025-W53", "'2025-W53' is not an ISO week"),
        ("pay 2026-47", "'2026-47' is not an ISO week"),
        ("status 2026-W00", "'2026-W00' is not an ISO week"),
        ("approve W47 --digest x --as ana", "'W47' is not an ISO week"),
        ("approve 2026-W46 --as ana", "Missing option '--digest'"),
        ("review", "Missing argument"),
        ("hold seller-1 --as ana --note=", "the note is empty"),
        ("user add ana --group finance", "set SETTLE_PASSWORD"),
        ("build --as-of yesterday", "'yesterday' is not an instant"),
        ("build --as-of 2026-11-16T00:15:00", "is not an instant"),
        ("build --timezone UTC", "--timezone goes with --as-of"),
        ("serve --port 70000", "65535"),
        ("sandbox --failure-rate 2", "less than or equal to 1"),
        ("frobnicate", "No such command 'frobnicate'"),
    ],
)
def test_bad_usage(arguments: str, why: str, tmp_path: Path) -> None:
    runner = CliRunner(env={"SETTLE_HOME": str(tmp_path / "home")})
    answer = runner.invoke(app_of(), arguments.split())
    said = " ".join(answer.output.replace("│", " ").split())
    assert not (tmp_path / "home").exists()
    assert answer.exit_code == 2, said
    assert why in said


def test_bad_usage_exits_2_as_a_process(no_home: Path) -> None:
    untouched = Shell(no_home)
    assert "'2025-W53' is not an ISO week" in untouched.misused("close", "2025-W53")
    assert untouched.misused("sql", "\udcff") == "settle: an argument is not UTF-8"
    assert "Usage: settle [OPTIONS] COMMAND" in untouched().out
    assert "SETTLE_ENV is 'prod'" in untouched.refused("status", SETTLE_ENV="prod")


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"SETTLE_ENV": "prod"}, "SETTLE_ENV is 'prod'; use one of: development, demo, production"),
        (
            {"SETTLE_ENV": "production", "SETTLE_NOW": "2026-11-16T00:15:00Z"},
            "SETTLE_NOW is refused in production",
        ),
        ({"SETTLE_NOW": "yesterday"}, "SETTLE_NOW is 'yesterday'; give an instant like"),
        ({"SETTLE_NOW": "2026-11-16T00:15:00"}, "give an instant like 2026-11-16T00:15:00Z"),
        ({"SETTLE_NOW": "2026-11-16T25:00:00Z"}, "give an instant like"),
        ({"SETTLE_DBT_URL": "here"}, "SETTLE_DBT_URL is not a database URL; write it like"),
        ({"SETTLE_DBT_URL": NOWHERE}, "SETTLE_ORCHESTRATOR_URL is not set"),
        ({"SETTLE_ORCHESTRATOR_URL": NOWHERE}, "the database does not answer"),
        ({"SETTLE_DATABASE_URL": NOWHERE}, "port 1 failed: Connection refused"),
    ],
)
def test_invalid_settings_are_refused_in_one_line(
    no_home: Path, variables: dict[str, str], why: str
) -> None:
    said = ShellInProcess(no_home).refused("status", **variables)
    assert why in said
    assert "something" not in said  # the password


@pytest.mark.parametrize(
    "variables", [{"SETTLE_ENV": "production"}, {"SETTLE_DATABASE_URL": NOWHERE}]
)
def test_demo_refuses_production_and_external_databases(
    no_home: Path, variables: dict[str, str]
) -> None:
    assert ShellInProcess(no_home).refused("demo", **variables).startswith("the demo ")


def test_unknown_and_open_windows_are_refused(week: ClosedWeek) -> None:
    settle = week.shell
    assert settle.refused("review", "2026-W10").startswith(
        "window 2026-W10 does not exist: there are "
    )
    assert settle.refused("status", "2026-W10").startswith("window 2026-W10 does not exist")
    assert settle.refused("close", OPEN_WINDOW) == (
        f"window {OPEN_WINDOW} is still open: the latest that is over is {WINDOW}"
    )
    assert settle.refused("pay", OPEN_WINDOW) == f"window {OPEN_WINDOW} has no stored close"
    assert settle.done("close") == f"{WINDOW} was closed before.\n"


def test_review_and_status_print_json(settle: Shell) -> None:
    document = json.loads(settle.done("review", WINDOW, "--json"))
    assert document.keys() >= {
        *("payout_window", "state", "digest", "currency", "line_count", "total"),
        *("by_rail", "holds"),
    }
    assert (document["payout_window"], document["state"]) == (WINDOW, "stored")
    assert sum(rail["line_count"] for rail in document["by_rail"]) == document["line_count"] > 0
    [row] = json.loads(settle.done("status", WINDOW, "--json"))
    assert (row["payout_window"], row["state"]) == (WINDOW, "stored")
    assert (row["ready"], row["paid_amount"]) == (document["line_count"], "0.00")
    windows = [row["payout_window"] for row in json.loads(settle.done("status", "--json"))]
    assert windows[:3] == [OPEN_WINDOW, WINDOW, WINDOW_BEFORE]


def test_tables_fit_80_columns(settle: Shell) -> None:
    table = settle.done("status", COLUMNS="80").splitlines()
    assert table[1].split()[:2] == [OPEN_WINDOW, "open"]
    assert max(map(len, table)) <= 80
    review = settle.done("review", WINDOW, COLUMNS="80")
    assert "is not approved: review it and approve digest" in review.replace("\n", " ")


def test_ids_are_not_rendered_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"seller_id": "[/b] [red]", "health_score": "1.0", "review_reasons": ["spike"]}
    document: dict[str, Any] = {}
    document |= {key: [] for _, key, _ in TABLES}
    document |= {"batch": None, "pause": None, "new_by_type": dict.fromkeys(PARTS, "0.00")}
    document |= {"opening_balances": "0.00", "posted_late": 0}
    document |= {"payout_window": WINDOW, "run": 1, "state": "stored", "currency": "USD"}
    document |= {"line_count": 0, "total": "0.00", "new": "0.00", "new_last_week": None}
    document |= {"digest": None, "refused": None}
    document |= {"flagged": [{**row, "net": "1.00", "status": "held"}], "obstacles": ["[/i] why"]}
    show_review(plain_console(), document)
    printed = capsys.readouterr().out
    assert "[/b] [red]" in printed
    assert "- [/i] why" in printed


@pytest.mark.parametrize("verb", ["serve", "sandbox"])
def test_a_port_in_use(week: ClosedWeek, verb: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = week.shell.refused(verb, "--port", str(port))
    assert said.startswith(f"cannot listen on 127.0.0.1:{port} (Address already in use): stop what")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *((name, "belongs to the system") for name in ("dbt", "Postgres", "settle_x", "public")),
        ("", "is not a name for a login"),
        ("x" * 64, "is not a name for a login; use 1 to 57 characters"),
        ("stranger", "the login 'stranger' exists and is not one of ours"),
    ],
)
def test_reserved_and_invalid_login_names_are_refused(
    week: ClosedWeek, settle: Shell, name: str, why: str
) -> None:
    with psycopg.connect(week.server.url(Component.OWNER)) as owner:
        owner.execute(
            "do $$ begin create role stranger; exception when duplicate_object then end $$"
        )
    assert why in settle.refused("user", "add", name, "--group", "analyst", **X)


def test_user_add_refuses_unknown_groups_and_empty_passwords(
    week: ClosedWeek, settle: Shell
) -> None:
    add = ("user", "add", "carl", "--group")
    assert "is not for people" in settle.refused(*add, "boss", **X)
    assert "the password is empty" in settle.refused(*add, "analyst", SETTLE_PASSWORD="")
    assert week.shell.done(*add, "analyst", **X) == "carl is in the analyst group.\n"
    hold = ("hold", "seller-000001", "--as", "carl", "--note", "n")
    assert "finance group" in week.shell.refused(*hold, **X)
    assert settle.done(*add, "finance", **Y) == (
        "carl is in the finance group.\n"
        "carl_reads, with the same password, reads what dbt builds.\n"
    )
    assert "password is wrong" in settle.refused(*hold, **X)
    unknown = ("hold", "nobody", "--as", "carl", "--note", "n")
    assert "nobody is not known" in settle.refused(*unknown, **Y)


def test_verbs_start_the_embedded_server(week: ClosedWeek) -> None:
    settle = week.shell
    assert settle.done("db", "stop") == "Postgres stopped.\n"
    assert settle.done("db", "stop") == "Postgres was not running.\n"
    assert settle.done("sql", "select 1 as one") == "one\n1\n"
    assert settle.done("db", "start").startswith("Postgres is up (embedded, data in ")
    assert settle.done("db", "url", "dbt") == week.server.url("dbt") + "\n"
    assert "stop it there" in settle.refused("db", "stop", SETTLE_DATABASE_URL=NOWHERE)
