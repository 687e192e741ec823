"""Random hostile histories, the same for the same seed, to compare two readings on."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from .clockwork import MICROSECOND, Clockwork, first_monday
from .facts import TABLES, Adjustment, Assignment, Facts, Seller, seen_at
from .history import History
from .settings import STANDARD, LatePolicy, Policy, Settings
from .spoiling import mistyped, spoil
from .windows import window_numbered, window_of

REGIONS = ("APAC", "NA", "EU", "LATAM")


@dataclass(frozen=True)
class World:
    """Orders fall into [starts_at, ends_at); what happens to them may come weeks later."""

    seed: int
    facts: Facts
    settings: Settings
    starts_at: datetime
    ends_at: datetime

    def instants(self, count: int = 8) -> list[datetime]:
        """Instants worth asking about, in order: window edges, known instants, and the very end."""
        rng = Random(f"instants-{self.seed}")  # noqa: S311 - a test's dice, not a secret
        zone = self.settings.timezone
        first = window_of(self.starts_at, zone).number
        last = window_of(self.ends_at, zone).number + 4
        edges = [window_numbered(number, zone).ends_at for number in range(first, last)]
        known = [seen_at(order) for order in self.facts.orders]
        known += [seen_at(fact) for fact in self.facts.children()]
        drawn = {
            rng.choice(edges if rng.random() < 0.5 else known)
            + rng.choice((-1, 0, 0)) * MICROSECOND
            for _ in range(count - 1)
        }
        return sorted({*drawn, edges[-1] + timedelta(days=2)})

    def write_csv(self, directory: Path) -> None:
        """Files named and laid out like the source tables, UTF-8, one header line each."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, kind in TABLES.items():
            columns = [item.name for item in fields(kind)]
            with (directory / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(columns)
                for fact in getattr(self.facts, name):
                    writer.writerow([_text(getattr(fact, column)) for column in columns])


def random_world(
    seed: int,
    sellers: int = 6,
    weeks: int = 10,
    tz: str = "UTC",
    clean: bool = False,
    *,
    policies: Sequence[Policy] = (),
    late_disputes: LatePolicy = "absorb",
    adjustments: int = 0,
    around: date | None = None,
    chargebacks: int = 4,
    mistypes: bool = True,
) -> World:
    """A world with about 1.3 orders per seller and week.

    `clean` leaves out every fact that is bad in itself; late, early, clamped and tied ones stay.
    Without `policies` the reserve is 7 days; sellers are assigned to those that have a name of
    their own. Adjustments and assignments are in no CSV file. `around` is a day in the middle of
    it, so that several worlds share their weeks. `mistypes`: somebody mistypes a few years.
    """
    rng = Random(f"world-{seed}-{tz}")  # noqa: S311 - a test's dice, not a secret
    settings = Settings(ZoneInfo(tz), tuple(policies), late_disputes)
    starts_at = first_monday(rng, settings.timezone, weeks, around)
    clock = Clockwork(rng, settings, starts_at, weeks)
    people = [_seller(rng, clock, number, weeks) for number in range(sellers)]
    clock.assignments = tuple(_assignments(rng, clock, people))
    history = History(rng, clock, people)
    for seller in people:
        for _ in range(rng.randint(max(1, weeks // 2), 2 * weeks)):
            history.add_order(seller, ahead=not clean and rng.random() < 0.03)
        for _ in range(rng.randint(0, weeks // 2)):
            history.add_charge(seller)
    for _ in range(chargebacks):
        history.add_chargeback(rng.sample(history.orders, 3))
    if not clean:
        spoil(history)
    facts = Facts(
        sellers=tuple(people),
        orders=tuple(history.orders),
        order_fees=tuple(history.fees),
        refunds=tuple(history.refunds),
        dispute_events=tuple(history.events),
        seller_charges=tuple(history.charges),
        assignments=clock.assignments,
        adjustments=tuple(_adjustment(rng, clock, people, n) for n in range(adjustments)),
    )
    if mistypes and not clean:
        typing = Random(f"mistyped-{seed}-{tz}")  # noqa: S311 - a test's dice, not a secret
        for table, fact in mistyped(typing, facts):
            facts = replace(facts, **{table: (*getattr(facts, table), fact)})
    return World(seed, _shuffled(rng, facts), settings, starts_at, clock.ends_at)


def _seller(rng: Random, clock: Clockwork, number: int, weeks: int) -> Seller:
    """One in four appears only after some of its orders. Wallets look right, none is checked."""
    late = rng.random() < 0.25
    high = clock.starts_at + timedelta(weeks=max(1, weeks // 2))
    since = clock.edge(clock.somewhere(clock.starts_at, high)) if late else clock.starts_at
    created_at = since if late else since - timedelta(days=rng.randint(1, 400))
    wallet = "" if rng.random() < 0.1 else f"0x{rng.getrandbits(160):040x}"
    return Seller(
        seller_id=f"{rng.choice('aAbB_Z')}-s{number}",
        display_name=f"Seller {number}, and co",
        region=rng.choice(REGIONS),
        fast_settlement=rng.random() < 0.2,
        wallet_address=wallet,
        status=rng.choice(("active", "active", "active", "suspended", "closed")),
        payouts_enabled=rng.random() < 0.9,
        created_at=created_at,
        updated_at=created_at,
    )


def _assignments(rng: Random, clock: Clockwork, people: list[Seller]) -> Iterator[Assignment]:
    """Half of the sellers, to a policy and perhaps back again; never two at one instant."""
    names = sorted({policy.policy for policy in clock.settings.policies} - {STANDARD})
    for seller in people:
        if names and rng.random() < 0.5:
            instants = {rng.choice(clock.ties), clock.edge(rng.choice(clock.ties))}
            for at in sorted(instants):
                yield Assignment(seller.seller_id, rng.choice((*names, *names, STANDARD)), at)


def _adjustment(rng: Random, clock: Clockwork, people: list[Seller], number: int) -> Adjustment:
    amount = Decimal(rng.choice((-1, 1)) * rng.randint(1, 20_000)).scaleb(-2)
    at = clock.edge(clock.somewhere(clock.starts_at, clock.ends_at))
    return Adjustment(f"adj-{number}", rng.choice(people).seller_id, amount, at)


def _shuffled(rng: Random, facts: Facts) -> Facts:
    """Rows in no order at all: nothing may depend on the order in which they were inserted."""
    mixed = {name: rng.sample(rows := getattr(facts, name), len(rows)) for name in TABLES}
    return replace(facts, **{name: tuple(rows) for name, rows in mixed.items()})


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
