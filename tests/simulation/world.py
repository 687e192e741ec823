"""The marketplace of one seed: sellers with real wallets, and facts with the moment they land."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.functions.market import wallet_of
from tests.reference.facts import Facts, Policy, Seller, Settings
from tests.reference.olist import TABLES
from tests.reference.world import random_world

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
# A year of 53 weeks, and the days on which clocks are moved.
MIDDLES = (date(2026, 12, 31), date(2027, 3, 28), date(2027, 10, 31), date(2027, 3, 14))
FACTS = tuple(name for name in TABLES if name != "sellers")
RAILS = ("TRC-20", "ERC-20", "SPL")


@dataclass
class World:
    """`waiting` are facts in the order in which they land: (when, table, fact)."""

    settings: Settings
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
    """Six sellers, most of whom can be paid; one fact in thirty commits late."""
    zone = ZoneInfo(ZONES[seed % len(ZONES)])
    middle = rng.choice(MIDDLES)
    policies = (
        (Policy(datetime.combine(middle, datetime.min.time(), zone), rng.choice((3, 10, 14))),)
        if rng.random() < 0.3
        else ()
    )
    drawn = random_world(
        seed, sellers=6, weeks=weeks, tz=zone.key, policies=policies, around=middle
    )
    settings = Settings(zone, policies)
    wallets: dict[str, str | None] = {"": None}
    sellers = [_payable(rng, seller, settings, wallets) for seller in drawn.facts.sellers]
    waiting = sorted(_landings(rng, drawn.facts), key=lambda item: (item[0], item[1], str(item[2])))
    return World(settings, drawn.starts_at, sellers, waiting, wallets)


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


def _landings(rng: Random, facts: Facts) -> Iterator[tuple[datetime, str, Any]]:
    for table in FACTS:
        for fact in getattr(facts, table):
            late = timedelta(hours=rng.randrange(1, 9 * 24)) if rng.random() < 0.03 else timedelta()
            yield fact.recorded_at + late, table, fact
