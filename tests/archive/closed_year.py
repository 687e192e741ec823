"""A small marketplace whose year is closed: one of its windows is paid, and people decided this and
that."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.archive.checking import check_archive
from orchestrator.archive.reading import Login
from orchestrator.archive.writing import write_archive
from orchestrator.config import Component
from orchestrator.database.connection import connect, rows
from orchestrator.database.people import READS
from tests.cli.people import Desk, accepted, open_desk, ready_sellers
from tests.support.closed_week import FINANCE, SECOND, environment_of
from tests.support.shell import Shell

YEAR, LAST_WINDOW = 2026, "2026-W53"
# Closes without a row, from the closed week's to the one that has the year's last instant.
TO_THE_END_OF_THE_YEAR = """
insert into finance.window_closes
select
    finance.window_label(w.starts_at, 'UTC'), w.starts_at, w.starts_at + interval '7 days',
    finance.payout_due_at(w.starts_at, 'UTC'), 'UTC', 'USD', 0, 0, 0, 0, 0
from generate_series(
    (select max(window_ends_at) from finance.window_closes), '2026-12-31', interval '7 days'
) as w (starts_at)
"""


@dataclass(frozen=True)
class ClosedYear(Desk):
    """Writes and checks archives of the year."""

    def write(self, to: Path, login: str | None = None) -> Path:
        # Somebody of finance has one password for two logins.
        password = self.week.server.password((login or FINANCE).removesuffix(READS))
        folder, _ = write_archive(
            self.settings, YEAR, to, Login(login, password) if login else None
        )
        return folder

    def differences(self, folder: Path) -> list[str]:
        _, found = check_archive(self.settings, folder)
        return found

    def owner(self, *statements: str) -> None:
        """What nobody but the server's superuser can do, past every guard."""
        with connect(self.settings, Component.OWNER) as owner:
            owner.execute("set session_replication_role = replica")
            for statement in statements:
                owner.execute(statement.encode())

    def found(self, query: str, *values: Any) -> list[dict[str, Any]]:
        with connect(self.settings, Component.ORCHESTRATOR, is_read_only=True) as database:
            return rows(database, query, *values)

    @property
    def process(self) -> Shell:
        """`settle` in a process of its own."""
        return Shell(self.settings.home, **environment_of(self.settings))


def make_closed_year() -> ClosedYear:
    """On a copy of the closed week."""
    desk = open_desk()
    year = ClosedYear(desk.week, desk.settings)
    held, *_ = ready_sellers(year)
    year.done(SECOND, "hold", held, "--note", "a question about the wallet")
    year.approve(FINANCE)
    year.freeze()
    payouts = year.payouts()
    year.answered(*accepted(payouts))
    year.looked_up([payout | {"status": "completed"} for payout in payouts])
    year.owner(TO_THE_END_OF_THE_YEAR)
    return year
