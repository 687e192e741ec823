"""The marketplace of one seed: sellers with real wallets, and facts with the moment they land."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.functions.market import wallet_of
from tests.reference.facts import (
    TABLES,
    Assignment,
    Facts,
    GoLive,
    OpeningBalance,
    Seller,
    seen_at,
)
from tests.reference.settings import Policy, Settings
from tests.reference.windows import window_of
from tests.reference.world import random_world

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
# A year of 53 weeks, and the days on which clocks are moved.
MIDDLES = (date(2026, 12, 31), date(2027, 3, 28), date(2027, 10, 31), date(2027, 3, 14))
FACTS = tuple(name for name in TABLES if name != "sellers")
RAILS = ("TRC-20", "ERC-20", "SPL")
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# As the seed has them.
SEED = (Policy(LONG_AGO, 7), Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"))


@dataclass
class World:
    """`waiting` are facts in the order in which they land: (when, table, fact)."""

    settings: Settings
    assignments: tuple[Assignment, ...]
    go_live: GoLive | None
    starts_at: datetime
    sellers: list[Seller]
    waiting: list[tuple[datetime, str, Any]]
    wallets: dict[str, str | None]

    def landing(self, until: datetime) -> Iterator[tuple[str, Any]]:
        """Facts that land by then, once."""
        while self.waiting and self.waiting[0][0] <= until:
            _, table, fact = self.waiting.pop(0)
            yield table, fact


def make_world(seed: int, rng: Random, weeks: int) -> World:
    """Six sellers, most of whom can be paid; one fact in fifteen commits late.

    One marketplace in five was paid by something else before; there, what belongs to that time is
    committed in time.
    """
    zone = ZoneInfo(ZONES[seed % len(ZONES)])
    middle = rng.choice(MIDDLES)
    policies = SEED
    if rng.random() < 0.3:
        changed_at = datetime.combine(middle, datetime.min.time(), zone)
        policies = (*policies, Policy(changed_at, rng.choice((3, 10, 14))))
    settings = Settings(zone, policies)
    drawn = random_world(
        seed, sellers=6, weeks=weeks, tz=zone.key, policies=policies, around=middle
    )
    go_live = None
    if rng.random() < 0.2:
        window = window_of(drawn.starts_at + timedelta(weeks=2, days=1), zone)
        owed = [seller.seller_id for seller in drawn.facts.sellers[:3]]
        balances = (OpeningBalance(who, Decimal(rng.randint(-9999, 99999)) / 100) for who in owed)
        go_live = GoLive(window.starts_at, tuple(balances))
    wallets: dict[str, str | None] = {"": None}
    sellers = [_payable(rng, seller, settings, wallets) for seller in drawn.facts.sellers]
    landings = _landings(rng, drawn.facts, go_live)
    waiting = sorted(landings, key=lambda item: (item[0], item[1], str(item[2])))
    decided = (drawn.facts.assignments, go_live)
    return World(settings, *decided, drawn.starts_at, sellers, waiting, wallets)


def _payable(
    rng: Random, seller: Seller, settings: Settings, wallets: dict[str, str | None]
) -> Seller:
    """The drawn one, more often in a state in which it can be paid, with a wallet of its rail."""
    is_odd = rng.random() < 0.15
    seller = replace(
        seller,
        status=seller.status if is_odd else "active",
        payouts_enabled=seller.payouts_enabled or not is_odd,
        region=seller.region if is_odd else rng.choice(("APAC", "NA", "EU")),
    )
    return replace(seller, wallet_address=new_wallet(rng, seller, settings, wallets))


def new_wallet(
    rng: Random, seller: Seller, settings: Settings, wallets: dict[str, str | None]
) -> str:
    """Mostly one of the seller's rail; else another rail's, a mistyped one or none."""
    luck, rail = rng.random(), settings.rail(seller) or "SPL"
    if luck < 0.04:
        return ""
    if luck < 0.10:
        rail = rng.choice(RAILS)
    wallet = wallet_of(f"{seller.seller_id}-{rng.random()}", rail)
    known: str | None = rail
    if luck > 0.97:
        wallet, known = wallet[:-1] + ("1" if wallet[-1] != "1" else "2"), None
        if rail == "SPL":  # has no checksum: this one is simply too short
            wallet = wallet[:20]
    wallets[wallet] = known
    return wallet


def _landings(
    rng: Random, facts: Facts, go_live: GoLive | None
) -> Iterator[tuple[datetime, str, Any]]:
    for table in FACTS:
        for fact in getattr(facts, table):
            is_late = rng.random() < 0.07
            late = timedelta(hours=rng.randrange(1, 20 * 24)) if is_late else timedelta()
            if go_live and seen_at(fact) < go_live.starts_at:
                late = timedelta()
            yield fact.recorded_at + late, table, fact
