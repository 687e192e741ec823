"""When rows are committed: most in time, some after the closes that should have had them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from .facts import TABLES, Fact, Facts, Key, Seller, key_of, seen_at

DAY = timedelta(days=1)


def landings(facts: Facts, rng: Random, share: float = 0.1) -> dict[Key, datetime]:
    """The instants at which the late ones are committed: days to weeks after they could be seen.

    A few sellers come as late, and at times all that belongs to an order does.
    """
    late: dict[Key, datetime] = {}
    for seller in facts.sellers:
        if rng.random() < share / 2:
            late[name_of(seller)] = seller.created_at + rng.randrange(10, 60) * DAY
    orders = {order.order_id for order in facts.orders if rng.random() < share / 2}
    for row in _rows(facts):
        is_of_late = getattr(row, "order_id", None) in orders
        is_late = rng.random() < (0.5 if is_of_late else share)
        if is_late:
            late[key_of(row)] = seen_at(row) + rng.randrange(1, 40) * DAY
    return late


def landed(facts: Facts, late: Mapping[Key, datetime], instant: datetime) -> Facts:
    """What is committed by then."""
    return replace(
        facts,
        **{
            table: tuple(
                row
                for row in getattr(facts, table)
                if name_of(row) not in late or late[name_of(row)] <= instant
            )
            for table in TABLES
        },
    )


def name_of(row: Seller | Fact) -> Key:
    if isinstance(row, Seller):
        return ("sellers", row.seller_id, row.seller_id)
    return key_of(row)


def _rows(facts: Facts) -> Iterator[Fact]:
    yield from facts.orders
    yield from facts.children()
    yield from facts.seller_charges
