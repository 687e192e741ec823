"""The open window shows at once what the lines have moved, as the next build will."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from orchestrator.config import Component
from orchestrator.database.connection import connect, rows_of
from tests.functions.paid_weeks import PaidWeeks
from tests.support.closed_week import NOW, OPEN_WINDOW, WINDOW

THIRD, LATER = "2026-W48", "2026-W49"
SELLER = "seller-000001"
OPEN = """
select s.* from settlement.seller_settlement as s
inner join settlement.windows as w on s.payout_window = w.payout_window and not w.is_closed
order by s.seller_id
"""
RESERVE = "select r.* from settlement.seller_reserve as r order by r.seller_id"
CARRIED = """
select s.seller_id, s.carried_forward from settlement.seller_settlement as s
where s.payout_window = %(w)s
"""
ONE_ORDER = f"""
insert into marketplace.orders (
    order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at
)
values ('last', 'last', '{SELLER}', 'USD', 1, %(at)s, %(at)s)
"""
ZERO = Decimal(0)


class OpenWindow(PaidWeeks):
    def shown(self, window: str) -> list[Any]:
        """The open window, all balances, a seller's statement, the head of the window's page."""
        found: list[Any] = [self.rows(OPEN), self.rows(RESERVE)]
        with connect(self.settings, Component.ORCHESTRATOR, is_read_only=True) as database:
            [row] = rows_of(database, "seller/statement", seller=SELLER)
            [head] = rows_of(database, "window/header", window=window)
            head |= rows_of(database, "window/net_so_far", window=window)[0]
        for document, of_the_build in ((row["statement"], "as_of"), (head, "build")):
            found.append({k: v for k, v in document.items() if k != of_the_build})
        return found

    def carried(self, window: str) -> dict[str, Decimal]:
        """What each seller with a row in the open window carries, now and after a build alike."""
        live = self.shown(window)
        self.build()
        assert live == self.shown(window)
        return dict(self.rows(CARRIED, w=window))


def test_open_window_is_what_the_next_build_makes_of_it() -> None:
    weeks = OpenWindow()
    before = dict(weeks.rows(CARRIED, w=OPEN_WINDOW))
    reserve = dict(weeks.rows("select seller_id, available_balance from settlement.seller_reserve"))
    batch = weeks.freeze(WINDOW)
    after = dict(weeks.rows("select seller_id, available_balance from settlement.seller_reserve"))
    assert all(after[seller] < reserve[seller] for seller in weeks.sellers(WINDOW))
    back, twice, *paid = weeks.sellers(WINDOW)
    assert min(before[seller] for seller in (back, twice, *paid)) > 0

    frozen = weeks.carried(OPEN_WINDOW)
    assert {frozen[seller] for seller in (back, twice, *paid)} == {ZERO}
    assert frozen.keys() == before.keys()  # all have entries, and keep their rows

    weeks.accept(batch)
    weeks.outcome("failed", "lookup", WINDOW, back, twice)
    assert dict(weeks.rows(CARRIED, w=OPEN_WINDOW))[twice] == before[twice]
    weeks.outcome("completed", "webhook", WINDOW, twice, *paid)
    assert weeks.carried(OPEN_WINDOW) == frozen | {back: before[back]}


def test_rows_come_and_go_with_the_money_they_carry() -> None:
    """In a window in which one seller alone has an entry."""
    weeks = OpenWindow()
    weeks.sell(NOW + timedelta(days=4))
    weeks.rows(ONE_ORDER, at=NOW + timedelta(days=12))
    weeks.close(OPEN_WINDOW)
    weeks.close(THIRD)
    before = dict(weeks.rows(CARRIED, w=LATER))
    batch = weeks.freeze(THIRD)
    sent = set(weeks.sellers(THIRD))
    assert SELLER in sent
    assert len(sent) > 1
    assert before[SELLER] > 0

    emptied = sent - {SELLER}
    left = {seller: carried for seller, carried in before.items() if seller not in emptied}
    assert weeks.carried(LATER) == left | {SELLER: ZERO}
    weeks.reject(batch)
    assert weeks.carried(LATER) == before
