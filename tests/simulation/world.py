"""The marketplace of one seed: sellers with real wallets, and facts with the moment they land."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from eth_utils.address import to_checksum_address

from tests.functions.market import wallet_of
from tests.reference.facts import (
    TABLES,
    Charge,
    Facts,
    GoLive,
    OpeningBalance,
    Seller,
)
from tests.reference.settings import NewSellers, PaidReason, Policy, Settings
from tests.reference.spoiling import mistyped
from tests.reference.windows import window_of
from tests.reference.world import random_world
from tests.simulation.dice import Luck

ZONES = ("UTC", "Europe/Berlin", "America/New_York")
# A year of 53 weeks, and the days on which clocks are moved.
MIDDLES = (date(2026, 12, 31), date(2027, 3, 28), date(2027, 10, 31), date(2027, 3, 14))
FACTS = tuple(name for name in TABLES if name != "sellers")
RAILS = ("TRC-20", "ERC-20", "SPL")
# The contracts and the mint of USDT: money sent there is lost.
UNPAYABLE = {
    "ERC-20": "0xdAC17F958D2ee523a2206206994597C13D831ec7",
    "TRC-20": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "SPL": "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB",
}
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# As the seed has them.
SEED = (Policy(LONG_AGO, 7), Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"))
NEW_SELLER = Policy(LONG_AGO, 14, Decimal(10), 30, "new_seller")


@dataclass
class World:
    """`waiting` are facts and people's assignments to reserve policies, in the order in which they
    land: (when, table, fact)."""

    settings: Settings
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


def is_rough(seed: int) -> bool:
    """In four of eight histories the rail refuses a part of many calls, and more fails and
    completes after all; there are more sellers, as a call of several has more than one line."""
    return seed % 8 in (0, 5, 6, 7)


def is_trusting(seed: int) -> bool:
    """In four of eight histories some review reasons are paid, and new sellers are under a policy
    of their own."""
    return seed % 8 in (0, 5, 6, 7)


def make_world(seed: int, luck: Luck, weeks: int) -> World:
    """Eight sellers or twelve, most of whom can be paid; one fact in fifteen commits late.

    One marketplace in five was paid by something else before; there, what belongs to that time is
    committed in time.
    """
    zone = ZoneInfo(ZONES[seed % len(ZONES)])
    rng = luck("the world")
    middle = rng.choice(MIDDLES)
    policies = SEED
    if rng.random() < 0.3:
        changed_at = datetime.combine(middle, datetime.min.time(), zone)
        policies = (*policies, Policy(changed_at, rng.choice((3, 10, 14))))
    settings = Settings(zone, (*policies, NEW_SELLER))
    drawn = random_world(
        seed,
        sellers=12 if is_rough(seed) else 8,
        weeks=weeks,
        tz=zone.key,
        policies=policies,
        around=middle,
        mistypes=False,
    )
    rng, go_live = luck("a go-live"), None
    if rng.random() < 0.2:
        window = window_of(drawn.starts_at + timedelta(weeks=2, days=1), zone)
        owed = [seller.seller_id for seller in drawn.facts.sellers[:3]]
        balances = (OpeningBalance(who, Decimal(rng.randint(-9999, 99999)) / 100) for who in owed)
        go_live = GoLive(window.starts_at, tuple(balances))
    wallets: dict[str, str | None] = {"": None}
    sellers = [
        _payable(luck(f"what {seller.seller_id} is"), seller, settings, wallets)
        for seller in drawn.facts.sellers
    ]
    credits = _credits(luck("credits"), drawn.facts.sellers, drawn.starts_at, weeks)
    facts = replace(drawn.facts, seller_charges=(*drawn.facts.seller_charges, *credits))
    # In one of five the first days are late: what is older than the first close lands after it.
    late_until = drawn.starts_at + timedelta(days=9 if seed % 5 == 4 else 0)
    landings = _landings(luck("what lands late"), facts, late_until)
    typed = mistyped(luck("mistyped years"), facts)
    absurd = ((fact.recorded_at, table, fact) for table, fact in typed)
    decided = ((a.approved_at, "assignments", a) for a in facts.assignments)
    waiting = sorted(
        (*landings, *absurd, *decided), key=lambda item: (item[0], item[1], str(item[2]))
    )
    if is_trusting(seed):
        settings = _trusting(luck, settings, drawn.starts_at)
    return World(settings, go_live, drawn.starts_at, sellers, waiting, wallets)


def _trusting(luck: Luck, settings: Settings, starts_at: datetime) -> Settings:
    """Two reasons of four at least are paid, each forgotten after its own weeks; from some week on,
    orders of a seller's first days are under the policy of new sellers."""
    rng = luck("flags that are paid")
    reasons = rng.sample(("disputes", "spike", "new_volume", "score"), rng.randint(2, 4))
    paid = {
        reason: PaidReason(rng.choice(("elevated", "elevated", "new_seller")), rng.randint(1, 3))
        for reason in sorted(reasons)
    }
    rng = luck("new sellers")
    valid_from = starts_at + timedelta(days=rng.randrange(28))
    rule = NewSellers(valid_from, "new_seller", rng.choice((30, 120, 400)))
    return replace(settings, paid=paid, new_sellers=(rule,))


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
    """Mostly one of the seller's rail; else another rail's, a mistyped one, none, or nobody's.

    Two EVM addresses in five are spelled in one case.
    """
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
    elif luck > 0.94:
        wallet = UNPAYABLE[rail]
    elif wallet.startswith("0x") and rng.random() < 0.4:
        wallet = wallet.lower()
    wallets[wallet] = known
    return wallet


def _credits(
    rng: Random, sellers: tuple[Seller, ...], starts_at: datetime, weeks: int
) -> Iterator[Charge]:
    """Something for nearly everybody in each week, so that most weeks pay most sellers."""
    for number in range((weeks - 1) * len(sellers)):
        seller = sellers[number % len(sellers)]
        week = 1 + number // len(sellers)
        at = starts_at + timedelta(weeks=week, minutes=rng.randrange(7 * 1440))
        amount, is_given = Decimal(rng.randint(5_000, 80_000)).scaleb(-2), rng.random() < 0.8
        if is_given:
            yield Charge(f"credit-{number}", seller.seller_id, "top_up", -amount, at, at, "bonus")


def respelled(rng: Random, wallet: str) -> str:
    """Another spelling of the same account, of an EVM address; any other has one only."""
    if not wallet.startswith("0x"):
        return wallet
    others = (wallet.lower(), "0x" + wallet[2:].upper(), to_checksum_address(wallet))
    return rng.choice(others)


def _landings(
    rng: Random, facts: Facts, late_until: datetime
) -> Iterator[tuple[datetime, str, Any]]:
    for table in FACTS:
        for fact in getattr(facts, table):
            is_late = rng.random() < (0.5 if fact.recorded_at < late_until else 0.07)
            late = timedelta(hours=rng.randrange(1, 20 * 24)) if is_late else timedelta()
            yield fact.recorded_at + late, table, fact
