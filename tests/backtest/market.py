"""A marketplace of three sellers, whose weeks were closed and paid as they are in production.

All amounts are in dollars. Each order is placed on a Saturday at noon, and released a week later on
the same hour: the order of a window is paid by the next one.

    order of       W40   W41   W42    W43    W44
    steady         100   100   100    100    100
    seasonal       200   200   200   3000    200     a good week, before the holidays
    cheat          500   500  2000      -      -     takes orders and delivers nothing

    d1   500, order of W40   known Thursday of W41, before the release on its Saturday
    d2   500, order of W41   known Wednesday of W43, after the close of W42, which paid the order
    d3  2000, order of W42   known Tuesday of W44, after the close of W43
    d4    60, steady's order of W43, known Wednesday of W45, after the close of W44

On Friday of W45 the marketplace closes the cheat's account.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.settlement.check_wallets import check_new_wallets
from tests.functions.market import wallet_of
from tests.simulation.databases import copy_of
from tests.simulation.lab import lab
from tests.support.ledgers import LEDGERS_READ
from tests.support.settings import at

FIRST_MONDAY = datetime(2026, 9, 28, tzinfo=UTC)  # of W40
WINDOWS = ("2026-W41", "2026-W42", "2026-W43", "2026-W44", "2026-W45")
ORDERS = {
    "steady": (100, 100, 100, 100, 100),
    "seasonal": (200, 200, 200, 3000, 200),
    "cheat": (500, 500, 2000),
}
# Dispute, seller, week of the order, amount, and the day on which it became known, at noon.
DISPUTES = (
    ("d1", "cheat", 40, 500, datetime(2026, 10, 8, 12, tzinfo=UTC)),
    ("d2", "cheat", 41, 500, datetime(2026, 10, 21, 12, tzinfo=UTC)),
    ("d3", "cheat", 42, 2000, datetime(2026, 10, 27, 12, tzinfo=UTC)),
    ("d4", "steady", 43, 60, datetime(2026, 11, 4, 12, tzinfo=UTC)),
)
SELLER = """
insert into marketplace.sellers (
    seller_id, display_name, region, fast_settlement, wallet_address, status, payouts_enabled,
    created_at, updated_at
)
values (%s, %s, 'EU', false, %s, 'active', true, '2026-01-01', '2026-01-01')
"""
ORDER = """
insert into marketplace.orders (
    order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at
)
values (%(id)s, %(id)s, %(seller)s, 'USD', %(amount)s, %(at)s, %(at)s)
"""
DISPUTE = """
insert into marketplace.dispute_events (
    dispute_event_id, dispute_id, order_id, seller_id, event_type, amount, occurred_at, recorded_at
)
values (%(id)s, %(id)s, %(order)s, %(seller)s, 'opened', %(amount)s, %(at)s, %(at)s)
"""


@dataclass(frozen=True)
class Marketplace:
    """The database after its last close."""

    settings: Settings

    def rows(self, query: str, who: Component = Component.OWNER, **named: Any) -> list[Any]:
        with connect(self.settings, who) as database:
            cursor = database.execute(query.encode(), named or None)
            return cursor.fetchall() if cursor.description else []


def does(statement: str, *parameters: Any) -> Callable[[Settings], None]:
    """A decision: a statement of the owner's."""

    def do(settings: Settings) -> None:
        with connect(settings, Component.OWNER) as owner:
            owner.execute(statement.encode(), parameters or None)

    return do


CLOSED = (
    datetime(2026, 11, 6, 12, tzinfo=UTC),
    does(
        "update marketplace.sellers set status = 'closed', updated_at = settle_now()"
        " where seller_id = 'cheat'"
    ),
)


@contextmanager
def marketplace(*decided: tuple[datetime, Callable[[Settings], Any]]) -> Iterator[Marketplace]:
    """Each week happens, is closed by `finance.store_close`, and frozen by `finance.freeze_batch`.

    A fact is there only when it is known, so that a close cannot see what came later. `decided` is
    what else is done, at which instants, in their order.
    """
    with copy_of(lab().home, lab().templates["UTC"]) as settings:
        at(settings, FIRST_MONDAY)
        with connect(settings, Component.OWNER) as owner:
            for seller in ORDERS:
                owner.execute(SELLER.encode(), [seller, seller, wallet_of(seller, "ERC-20")])
        check_new_wallets(settings)
        for week in range(40, 46):
            monday = FIRST_MONDAY + timedelta(weeks=week - 40)
            for instant, decide in decided:
                if monday <= instant < monday + timedelta(weeks=1):
                    at(settings, instant)
                    decide(settings)
            _live(settings, week)
        yield Marketplace(settings)


def _live(settings: Settings, week: int) -> None:
    monday = FIRST_MONDAY + timedelta(weeks=week - 40)
    with connect(settings, Component.OWNER) as owner:
        for seller, amounts in ORDERS.items():
            if week - 40 < len(amounts):
                order = {"id": f"{seller}-{week}", "seller": seller, "amount": amounts[week - 40]}
                owner.execute(ORDER.encode(), order | {"at": monday + timedelta(days=5, hours=12)})
        for dispute, seller, ordered, amount, known in DISPUTES:
            if monday <= known < monday + timedelta(weeks=1):
                event = {"id": dispute, "seller": seller, "amount": amount, "at": known}
                owner.execute(DISPUTE.encode(), event | {"order": f"{seller}-{ordered}"})
    window = f"2026-W{week}"
    at(settings, monday + timedelta(days=7, minutes=15))
    replace(lab().project, zone="UTC").build(settings)
    if window not in WINDOWS:  # before the first release there is nothing to close
        return
    with connect(settings, Component.ORCHESTRATOR) as database:
        assert database.execute("select finance.store_close(%s)", [window]).fetchone() == (True,)
    if window != WINDOWS[-1]:
        at(settings, monday + timedelta(days=8, hours=8))
        _pay(settings, window)


def _pay(settings: Settings, window: str) -> None:
    """Freeze all that may be paid: from then on it is no longer in the balance."""
    person = "ana"
    with connect_as(settings, person, EmbeddedPostgres(lab().home).password(person)) as ana:
        query = "select finance.approve(payout_window, digest) from finance.payable(%s)"
        ana.execute(query, [window])
    with connect(settings, Component.OWNER) as owner:
        owner.execute(LEDGERS_READ)
    with connect(settings, Component.ORCHESTRATOR) as database:
        database.execute("select finance.freeze_batch(%s)", [window])
