"""A fact that was edited after its close stays in it: the next close of all sellers is stored."""

from dataclasses import replace
from datetime import timedelta

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.models.worlds import Marketplace, lived
from tests.reference.facts import Order
from tests.reference.rows import DAY, MONDAY, fee, history, order, seller
from tests.simulation.lab import lab
from tests.support.settings import at

WEEK = 7 * DAY
LAG = timedelta(minutes=15)
CONTRADICTED = (
    "select payout_window, amount from settlement.data_exceptions"
    " where reason = 'contradicted_close' order by 1"
)
CHECKS = (
    "select payout_window from settlement.window_checks"
    " where check_name = 'contradicted_close' and not is_passed order by 1"
)
ROWS = "select seller_id, net_minor - carried_forward_minor from finance.window_close_rows"


def placed(week: int) -> Order:
    """One a week, each paid in the window after its own."""
    return replace(order(at=MONDAY + week * WEEK), order_id=f"o{week}")


def close(live: Marketplace, week: int, *, is_full: bool = False) -> str:
    """The window in which the order of this week is paid; builds right after its end."""
    settings = at(live.settings, MONDAY + (week + 2) * WEEK + LAG)
    lab().project.build(settings, full_refresh=is_full)
    [(label,)] = live.select("select payout_window from settlement.windows where is_latest_closed")
    with connect(settings, Component.ORCHESTRATOR) as connection:
        connection.execute("select finance.store_close(%s)", [label])
    return str(label)


def test_facts_that_were_moved_to_a_new_order_are_listed_and_stop_no_close() -> None:
    """Both weeks that are compared again and an older one; one fee has no entry, but was seen. So
    are a fee whose amount was edited and one of a new order, which counts."""
    fees = [
        replace(fee(f"f{n}", f"{n + 1}.00", MONDAY + n * WEEK), order_id=f"o{n}") for n in range(5)
    ]
    idle = replace(fee("idle", "0.00", MONDAY + 2 * WEEK), order_id="o2")
    with lived([]) as live:
        live.add(history(seller(), *map(placed, range(5)), *fees, idle))
        labels = [close(live, week) for week in range(4)]
        before = live.select(f"{ROWS} order by payout_window")
        with connect(live.settings, Component.OWNER) as owner:
            owner.execute("alter table marketplace.order_fees disable trigger append_only")
            owner.execute(
                "update marketplace.order_fees set order_id = 'o4'"
                " where fee_id in ('f0', 'f2', 'idle')"
            )
            owner.execute("update marketplace.order_fees set amount = 9 where fee_id = 'f3'")
            owner.execute("alter table marketplace.order_fees enable trigger append_only")
        newest = close(live, 4)
        assert live.select(f"{ROWS} order by payout_window") == [*before, ("s1", 95_00)]
        expected = [(labels[2], 3), (labels[3], -5)]
        assert live.select(CONTRADICTED) == expected
        assert live.select(CHECKS) == [(label,) for label, _ in expected]
        assert close(live, 4, is_full=True) == newest
        # The facts alone have them in both windows now: out of the old ones, in the new one.
        assert live.select(CONTRADICTED) == [(labels[0], 1), *expected, (newest, -4)]
