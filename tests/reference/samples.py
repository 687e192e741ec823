"""The samples beside the project, as the reading takes them; tests skip where they are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from .csv_files import joined, read_facts, read_rows
from .facts import Assignment, Facts, GoLive, OpeningBalance
from .ledger import Ledger, close, keep
from .posting import NOTHING_STORED, Posting
from .settings import Policy, Settings
from .windows import Window, window_of

BERLIN = ZoneInfo("Europe/Berlin")
# Where each set of expected figures of the small hostile marketplace stands.
INSTANTS = {
    "2021-01-04": "2021-01-04T00:00:00Z",
    "berlin-2021-02-10": "2021-02-10T09:30:00Z",
    "late-2021-01-18": "2021-01-18T00:20:00Z",
    "go-live-2021-01-18": "2021-01-18T00:20:00Z",
    "policies-2021-02-08": "2021-02-08T00:20:00Z",
}
STORED_UNTIL = datetime.fromisoformat("2021-01-11T00:00:00Z")
GO_LIVE = datetime.fromisoformat("2020-12-28T00:00:00Z")


@dataclass(frozen=True)
class Sample:
    """What a set of expected figures is worked out from."""

    facts: Facts
    settings: Settings
    as_of: datetime
    posting: Posting = NOTHING_STORED

    def ledger(self) -> Ledger:
        return keep(self.facts, self.as_of, self.settings, self.posting)


def sample(directory: Path, name: str) -> Sample:
    """Of the hostile marketplace, by the name of its expected figures."""
    facts, settings = read_facts(directory), Settings()
    as_of = datetime.fromisoformat(INSTANTS[name])
    if name.startswith("berlin"):
        settings = replace(settings, timezone=BERLIN)
    elif name.startswith("late"):
        posting = stored(facts, settings, until=STORED_UNTIL)
        return Sample(joined(facts, read_facts(directory / "late")), settings, as_of, posting)
    elif name.startswith("go-live"):
        rows = read_rows(directory / "go-live" / "opening_balances.csv")
        balances = (OpeningBalance(row["seller_id"], Decimal(row["amount"])) for row in rows)
        facts = replace(facts, go_live=GoLive(GO_LIVE, tuple(balances)))
    elif name.startswith("policies"):
        settings = replace(settings, policies=tuple(_policies(directory / "policies")))
        facts = replace(facts, assignments=tuple(_assignments(directory / "policies")))
    return Sample(facts, settings, as_of)


def stored(facts: Facts, settings: Settings, until: datetime) -> Posting:
    """What is known of late facts once every window that ends by `until` is stored, one by one."""
    posting = NOTHING_STORED
    for window in windows(min(order.ordered_at for order in facts.orders), until, settings):
        posting = close(facts, window, settings, posting)
    return posting


def windows(begin: datetime, until: datetime, settings: Settings) -> Iterator[Window]:
    window = window_of(begin, settings.timezone)
    while window.ends_at <= until:
        yield window
        window = window_of(window.ends_at, settings.timezone)


def _policies(directory: Path) -> Iterator[Policy]:
    for row in read_rows(directory / "reserve_policies.csv"):
        yield Policy(
            valid_from=datetime.fromisoformat(row["valid_from"]),
            reserve_days=int(row["reserve_days"]),
            holdback_percent=Decimal(row["holdback_percent"]),
            holdback_days=int(row["holdback_days"]),
            policy=row["policy"],
        )


def _assignments(directory: Path) -> Iterator[Assignment]:
    for row in read_rows(directory / "assignments.csv"):
        at = datetime.fromisoformat(row["valid_from"])
        yield Assignment(row["seller_id"], row["policy"], at)
