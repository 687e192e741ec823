"""How an archive is written: the same bytes, whole or not at all."""

import signal
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.archive.closed_year import LAST_WINDOW, YEAR, ClosedYear
from tests.archive.files import FOLDER
from tests.simulation.databases import name_of
from tests.support.closed_week import ANALYST, FINANCE


def test_the_same_year_is_the_same_bytes_whoever_writes_it(
    year: ClosedYear, archive: Path, tmp_path: Path
) -> None:
    database = name_of(year.settings)  # which is gone afterwards, and the role is not
    change = f"alter role {ANALYST} in database {database} set"
    year.owner(f"{change} timezone = 'Asia/Tokyo'", f"{change} datestyle = 'German'")
    for login in (None, ANALYST, f"{FINANCE}_reads"):
        to = tmp_path / (login or "ours")
        to.mkdir()
        written = year.write(to, login)
        assert {f.name: f.read_bytes() for f in written.iterdir()} == {
            f.name: f.read_bytes() for f in archive.iterdir()
        }
        assert written.stat().st_mode & 0o777 == 0o700
        assert {file.stat().st_mode & 0o777 for file in written.iterdir()} == {0o600}


def test_who_cannot_read_all_of_it_writes_nothing(year: ClosedYear, tmp_path: Path) -> None:
    said = year.settle.refused(
        *("export", "archive", "--year", str(YEAR), "--to", str(tmp_path), "--as", FINANCE),
        **year.password(FINANCE),
    )
    assert said == (
        f"{FINANCE} may not read all of it (permission denied for schema settlement): it takes an"
        f" analyst's login, or the reading one of finance, like {FINANCE}_reads"
    )
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_the_manifests_hash_and_leaves_what_is_there(
    year: ClosedYear, archive: Path, tmp_path: Path
) -> None:
    write = ("export", "archive", "--year", str(YEAR), "--to", str(tmp_path))
    digest = sha256((archive / "manifest.json").read_bytes()).hexdigest()
    file = tmp_path / FOLDER / "manifest.json"
    assert year.settle.done(*write) == f"{digest}  {file}\n"
    said = year.settle.refused(*write)
    assert said == f"{tmp_path / FOLDER} is there already: move it away, or say --to"
    check = ("export", "archive", "--check", str(tmp_path / FOLDER))
    assert year.settle.done(*check).endswith(" rows, as they were\n")


def test_a_year_that_is_not_closed_is_refused(year: ClosedYear, tmp_path: Path) -> None:
    write = ("export", "archive", "--to", str(tmp_path), "--year")
    # Its first days are in the last window of the year before.
    assert year.settle.refused(*write, "2027") == (
        "2027 can change until window 2027-W52 is closed, which has its last instant in UTC;"
        f" the latest close is of {LAST_WINDOW}"
    )
    assert year.settle.refused(*write, "2025") == (
        f"2025 has no stored close: the latest is of {LAST_WINDOW}"
    )
    assert list(tmp_path.iterdir()) == []


LOCKED = "settlement_seeds.currencies"
WAITING = (
    "select pid from pg_stat_activity where wait_event_type = 'Lock' and query like '%currencies%'"
)


@pytest.fixture
def stopped(year: ClosedYear) -> Iterator[Any]:
    """Somebody holds a table of which the archive is to have the rows."""
    with connect(year.settings, Component.OWNER) as owner:
        owner.execute(f"lock table {LOCKED}".encode())
        yield owner
        owner.rollback()


def until_it_waits(year: ClosedYear) -> int:
    """Until the evidence is written, and the next file waits for the lock."""
    for _ in range(600):
        with connect(year.settings, Component.OWNER) as owner:
            found = owner.execute(WAITING).fetchone()
        if found:
            return int(found[0])
        time.sleep(0.1)
    raise AssertionError("it does not wait")


def test_killed_in_the_middle_nothing_is_there(
    year: ClosedYear, stopped: Any, tmp_path: Path
) -> None:
    write = ("export", "archive", "--year", str(YEAR), "--to", str(tmp_path))
    with year.process.start(*write) as process:
        until_it_waits(year)
        process.send_signal(signal.SIGKILL)
        process.wait()
    [left] = tmp_path.iterdir()
    assert left.name.startswith(f".{FOLDER}-")
    assert (left / "payout_lines.csv.gz").exists()
    assert not (left / "manifest.json").exists()
    stopped.rollback()
    assert year.differences(year.write(tmp_path)) == []


def test_an_archive_that_fails_leaves_nothing(
    year: ClosedYear, stopped: Any, tmp_path: Path
) -> None:
    write = ("export", "archive", "--year", str(YEAR), "--to", str(tmp_path))
    with year.process.start(*write) as process:
        pid = until_it_waits(year)
        year.owner(f"select pg_terminate_backend({pid})")
        _, said = process.communicate()
    assert process.returncode == 1
    assert said.startswith("settle: the database does not answer (terminating connection")
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []
