"""A fact that was bad for its currency at each close counts once the seed is mended: it is late."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.models.worlds import Marketplace, lived
from tests.reference.rows import DAY, MONDAY, fee, history, order, refund, seller
from tests.simulation.lab import lab
from tests.support.settings import at

WEEK = 7 * DAY
LAG = timedelta(minutes=15)
EXCEPTIONS = "select source_id, reason from settlement.data_exceptions order by 1"
STORED = """
select payout_window, gross_minor, fees_minor, refunds_minor from finance.window_close_rows
where net_minor <> carried_forward_minor order by 1
"""


def close(live: Marketplace, week: int) -> None:
    """The window that ends with this week, and those before it."""
    settings = at(live.settings, MONDAY + week * WEEK + LAG)
    lab().project.build(settings)
    with connect(settings, Component.ORCHESTRATOR) as connection:
        labels = connection.execute(
            "select payout_window from settlement.windows where is_closed and not is_stored"
            " order by window_starts_at"
        ).fetchall()
        for (label,) in labels:
            connection.execute("select finance.store_close(%s)", [label])


def replace_currency(live: Marketplace, currency: str, decimals: int) -> None:
    """As a line of the seed that somebody adds or mends."""
    with connect(live.settings, Component.DBT) as dbt:
        dbt.execute("set role settle_dbt")
        dbt.execute("delete from settlement_seeds.currencies where currency = %s", [currency])
        dbt.execute("insert into settlement_seeds.currencies values (%s, %s)", [currency, decimals])


def test_orders_and_refunds_of_a_mended_currency_are_posted_once() -> None:
    """Older than what a build compares again. `odd` has a currency that nobody knew; of `fine` the
    refund had too many decimals. Each is paid or charged in the next window, and in no other."""
    odd = replace(order(), order_id="odd", currency="XCX", exchange_rate=Decimal(2))
    fine = replace(order(), order_id="fine", currency="CLP", exchange_rate=Decimal(1))
    facts = [
        *(order(), odd, fine, fee("f1", "5.00")),
        replace(fee("f2", "7.00"), order_id="odd"),
        replace(refund("r1", "10.50", MONDAY + DAY), order_id="fine"),
    ]
    with lived([]) as live:
        live.add(history(seller(), *facts))
        for week in range(2, 6):
            close(live, week)
        assert live.select(EXCEPTIONS) == [
            ("f2", "order_without_effect"),
            ("odd", "unknown_currency"),
            ("r1", "too_many_decimals"),
        ]
        assert live.select(STORED) == [("2026-W03", 200_00, 5_00, 0)]
        replace_currency(live, "XCX", 2)
        replace_currency(live, "CLP", 2)
        for is_full in (False, False, True):
            settings = at(live.settings, MONDAY + 5 * WEEK + DAY)
            lab().project.build(settings, full_refresh=is_full)
            assert ("odd", "posted_late") in live.select(EXCEPTIONS)
        for week in range(6, 9):
            close(live, week)
        paid = ("2026-W07", 200_00, 14_00, 10_50)
        assert live.select(STORED) == [("2026-W03", 200_00, 5_00, 0), paid]
        lab().project.build(settings, full_refresh=True)
        assert live.select("select * from settlement_core.int_close_contradictions") == []
