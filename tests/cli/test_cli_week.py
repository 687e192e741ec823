"""The week as finance lives it at a prompt: review, approve, pay, and everything refused."""

import json
import re
from collections.abc import Iterator

import pytest
from psycopg.conninfo import conninfo_to_dict

from orchestrator.config import Component
from tests.cli.people import Desk, open_desk
from tests.support.closed_week import (
    ANALYST,
    FINANCE,
    NOW,
    WINDOW,
    WINDOW_BEFORE,
    environment_of,
)
from tests.support.shell import Shell

STALE = "0" * 64
CLOSED_PORT = "http://127.0.0.1:1/api"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return open_desk()


@pytest.mark.parametrize(
    ("who", "password_of", "window", "why"),
    [
        (FINANCE, FINANCE, WINDOW, r"the digest of \S+ is now [0-9a-f]{64} \(\d+ lines, .* USD\)"),
        (FINANCE, ANALYST, WINDOW, "login ana: unknown, or the password is wrong"),
        ("zoe", FINANCE, WINDOW, "login zoe: unknown, or the password is wrong"),
        (ANALYST, ANALYST, WINDOW, "eve may not do this .* it takes a login of the finance group"),
        (FINANCE, FINANCE, WINDOW_BEFORE, "is not the latest closed one"),
        (FINANCE, FINANCE, "2026-W10", "window 2026-W10 has no stored close"),
        *((c, c, WINDOW, "finance group|is an owner") for c in Component),
    ],
)
def test_approvals_without_rights_or_with_a_wrong_digest_are_refused(
    desk: Desk, who: str, password_of: str, window: str, why: str
) -> None:
    said = desk.settle.refused(
        *("approve", window, "--digest", STALE, "--as", who), **desk.password(password_of)
    )
    assert re.search(why, said), said


def test_pay_refuses_without_approval(desk: Desk) -> None:
    digest = desk.digest()
    assert desk.settle.refused("pay", WINDOW) == (
        f"window {WINDOW} is not approved: review it and approve digest {digest}"
    )
    assert "is not the latest closed and stored one" in desk.settle.refused("pay", WINDOW_BEFORE)


@pytest.fixture
def rail(desk: Desk) -> Iterator[str]:
    """`settle sandbox`, as a process; yields its base URL."""
    arguments = ("sandbox", "--port", "0", "--webhook-url", "http://127.0.0.1:1/")
    with desk.settle.start(*arguments) as process:
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_approve_revoke_approve_then_pay_once(desk: Desk, rail: str) -> None:
    settle, ana = desk.settle, desk.password(FINANCE)
    digest = desk.digest()
    approve = ("approve", WINDOW, "--digest", digest, "--as", FINANCE)
    assert settle.done(*approve, **ana) == f"ana approved {WINDOW}, digest {digest}.\n"
    revoke = ("revoke", WINDOW, "--as", FINANCE)
    assert settle.done(*revoke, **ana) == f"ana revoked the approval of {WINDOW}.\n"
    assert settle.done(*revoke, **ana) == f"ana had not approved {WINDOW}.\n"
    assert "is not approved" in settle.refused("pay", WINDOW)
    settle.done(*approve, **ana)
    assert json.loads(settle.done("review", WINDOW, "--json"))["state"] == "approved"

    early = NOW.replace(hour=7, minute=59, second=59).isoformat()
    assert f"window {WINDOW} is due at 2026-11-17 08:00 UTC" == settle.refused(
        "pay", WINDOW, SETTLE_NOW=early
    )

    said = settle.refused("pay", WINDOW, HALFIN_BASE_URL=CLOSED_PORT)
    assert said.startswith("the rail does not tell its currencies ")
    assert said.endswith(f"nothing was sent, run settle pay {WINDOW} again later")
    [row] = json.loads(settle.done("status", WINDOW, "--json"))
    assert row["state"] == "stored"

    assert (
        settle.done("pay", WINDOW, HALFIN_BASE_URL=rail) == f"The batch of {WINDOW} is accepted.\n"
    )
    assert settle.done("pay", WINDOW, HALFIN_BASE_URL=rail).endswith("nothing was left to send.\n")
    assert "is frozen already" in settle.refused(*revoke, **ana)
    document = json.loads(settle.done("review", WINDOW, "--json"))
    assert (document["state"], document["digest"]) == ("accepted", digest)
    assert document["line_count"] > 0


def test_production_keeps_its_clock_and_environment(desk: Desk) -> None:
    settings = desk.week.copy()
    settle = Shell(settings.home, **environment_of(settings))
    settle.done("db", "start", SETTLE_NOW="", SETTLE_ENV="production")
    said = settle.refused("status")
    assert said.startswith("this database is production and SETTLE_ENV is development: set SETTLE")
    assert conninfo_to_dict(settings.urls[Component.OWNER])["password"] not in said
    assert "HALFIN_API_KEY is not set" in settle.refused(
        "pay", WINDOW, SETTLE_NOW="", SETTLE_ENV="production"
    )
