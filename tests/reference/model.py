"""The face of the reference: facts, an instant and settings in; rows out. Nothing is kept between.

Money is integer cents, rates are fractions, instants are UTC. Where one state is read in more
than one way, make its ledger once with `keep` and hand that to the `*_rows` functions.
"""

from __future__ import annotations

from datetime import datetime

from .disputes import Dispute
from .exceptions import all_exceptions
from .facts import (
    Adjustment,
    Assignment,
    Charge,
    DisputeEvent,
    Facts,
    Fee,
    GoLive,
    Line,
    OpeningBalance,
    Order,
    Refund,
    Seller,
)
from .health import HealthRow, health_rows
from .known import DataException
from .ledger import Claim, Entry, Ledger, close, closed, keep
from .money import round_half_away
from .posting import NOTHING_STORED, Posting
from .reserve import (
    LateDispute,
    OrderReserveRow,
    ReserveRow,
    late_dispute_rows,
    order_reserve_rows,
    reserve_rows,
)
from .settings import LatePolicy, Policy, Settings
from .settlement import SettlementRow, settlement_rows
from .windows import Window, window_labelled, window_of

__all__ = [
    "NOTHING_STORED",
    "Adjustment",
    "Assignment",
    "Charge",
    "Claim",
    "DataException",
    "Dispute",
    "DisputeEvent",
    "Entry",
    "Facts",
    "Fee",
    "GoLive",
    "HealthRow",
    "LateDispute",
    "LatePolicy",
    "Ledger",
    "Line",
    "OpeningBalance",
    "Order",
    "OrderReserveRow",
    "Policy",
    "Posting",
    "Refund",
    "ReserveRow",
    "Seller",
    "Settings",
    "SettlementRow",
    "Window",
    "all_exceptions",
    "close",
    "closed",
    "entries",
    "exceptions",
    "health",
    "health_rows",
    "keep",
    "late_dispute_rows",
    "late_disputes",
    "order_reserve",
    "order_reserve_rows",
    "reserve",
    "reserve_rows",
    "round_half_away",
    "settlement",
    "settlement_rows",
    "window_labelled",
    "window_of",
]

DEFAULTS = Settings()


def entries(facts: Facts, as_of: datetime, settings: Settings = DEFAULTS) -> list[Entry]:
    """Every entry known by `as_of`, also those that become available later."""
    return keep(facts, as_of, settings).entries


def settlement(facts: Facts, as_of: datetime, settings: Settings = DEFAULTS) -> list[SettlementRow]:
    return settlement_rows(keep(facts, as_of, settings))


def health(facts: Facts, as_of: datetime, settings: Settings = DEFAULTS) -> list[HealthRow]:
    """At the end of the latest window that is closed by `as_of`."""
    return health_rows(keep(facts, as_of, settings))


def reserve(facts: Facts, as_of: datetime, settings: Settings = DEFAULTS) -> list[ReserveRow]:
    return reserve_rows(keep(facts, as_of, settings))


def order_reserve(
    facts: Facts, as_of: datetime, settings: Settings = DEFAULTS
) -> list[OrderReserveRow]:
    return order_reserve_rows(keep(facts, as_of, settings))


def exceptions(facts: Facts, as_of: datetime, settings: Settings = DEFAULTS) -> list[DataException]:
    """Bad facts that could be seen by `as_of`, clamped claims, and fee credits above the fees."""
    return all_exceptions(keep(facts, as_of, settings))


def late_disputes(
    facts: Facts, as_of: datetime, settings: Settings = DEFAULTS
) -> list[LateDispute]:
    return late_dispute_rows(keep(facts, as_of, settings))
