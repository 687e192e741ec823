"""A small marketplace that lives for years: ten sellers, three orders a week each, and people.

Everything after the facts is the product's own: the close with its dbt build, an approval under a
person's login, the batch over HTTP, signed webhooks, the reconciliation.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as, rows
from orchestrator.database.migrate import prepare_database, set_clock
from orchestrator.database.people import add_person
from orchestrator.dbt.builds import build_arguments, one_build
from orchestrator.dbt.runner import run_dbt
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.services.run_job import run_job
from orchestrator.settlement.check_wallets import check_new_wallets
from orchestrator.settlement.close import store_closes
from orchestrator.settlement.pay import pay_window
from orchestrator.settlement.reconcile import reconcile
from orchestrator.settlement.windows import window_label
from tests.functions.market import wallet_of

FIRST = datetime(2020, 1, 6, tzinfo=UTC)  # a Monday, in a year of 53 weeks
WEEK, LAG = timedelta(days=7), timedelta(minutes=15)
DUE = timedelta(days=1, hours=8)
PEOPLE = ("ana", "ben")
REGIONS = (("EU", False, "ERC-20"), ("APAC", False, "TRC-20"), ("NA", True, "SPL"))
SELLER = "insert into marketplace.sellers values (%s, %s, %s, %s, %s, 'active', true, %s, %s)"
# Orders of 40 to 80, so that a dispute or two in a month make nobody's health a matter of review.
FACTS = """
with made as (
    select
        format('o-%%s-%%s-%%s', to_char(%(starts)s, 'IYYYIW'), s.seller_id, n.n) as order_id,
        s.seller_id,
        40 + mod(abs(hashtext(s.seller_id || n.n || %(starts)s)), 4000)::numeric / 100 as gross,
        %(starts)s + make_interval(days => 2 * n.n, hours => n.n) as at,
        mod(abs(hashtext('luck' || s.seller_id || n.n || %(starts)s)), 100) as luck
    from marketplace.sellers as s cross join generate_series(0, 2) as n (n)
),
orders as (
    insert into marketplace.orders
    select order_id, order_id, seller_id, 'USD', gross, at, at from made
),
fees as (
    insert into marketplace.order_fees
    select 'f-' || order_id, order_id, seller_id, 'commission', round(gross / 10, 2), at, at
    from made
),
refunds as (
    insert into marketplace.refunds
    select
        'r-' || order_id, order_id, seller_id, round(gross / 2, 2), at + interval '3 days',
        at + interval '3 days', 'broken'
    from made where luck < 6
)
insert into marketplace.dispute_events
select
    'e-' || order_id || t.event_type, 'd-' || order_id, order_id, seller_id, t.event_type, gross,
    at + t.later, at + t.later
from made cross join (values ('opened', interval '1 day'), ('won', interval '4 days'))
    as t (event_type, later)
where luck between 6 and 7 or (luck = 8 and t.event_type = 'opened')
"""
OPEN_LINES = """
select count(*) as n from finance.payout_lines
where payout_window = %s and state in ('frozen', 'submitted')
"""


class LongMarket:
    """One installation with a server of its own; each call of `week` lives one week more."""

    def __init__(self, settings: Settings, sellers: int = 10) -> None:
        self.settings = replace(settings, now=FIRST.isoformat())
        prepare_database(self.settings)
        set_clock(self.settings)
        for name in PEOPLE:
            add_person(self.settings, name, self._password(name), "finance")
        with connect(self.settings, Component.OWNER) as database:
            for number in range(sellers):
                region, is_fast, rail = REGIONS[number % len(REGIONS)]
                name = f"seller-{number}"
                wallet = wallet_of(name, rail)
                database.execute(
                    SELLER, [name, name, region, is_fast, wallet, FIRST - WEEK, FIRST - WEEK]
                )
        self._sell(FIRST - WEEK)  # in reserve for a week: the first payout is of these

    def week(self, number: int, rail: str, *, is_whole: bool = True) -> dict[str, float]:
        """Sell, close, approve, pay and reconcile week `number`; seconds of each.

        `is_whole`: the close is a Dagster run with every data test. Otherwise the same models are
        built and the same function stores them, in a third of the time.
        """
        self.settings = replace(self.settings, halfin_base_url=rail)
        starts = FIRST + number * WEEK
        window, seconds = window_label(starts.date().isoformat()), {}

        def timed(name: str, begun: float) -> None:
            seconds[name] = time.monotonic() - begun

        begun = time.monotonic()
        self._at(starts + WEEK + LAG)
        self._sell(starts)
        self._close(window, starts, is_whole=is_whole)
        timed("whole_close" if is_whole else "close", begun)
        begun = time.monotonic()
        if self._approve(window):
            self._at(starts + WEEK + DUE)
            pay_window(self.settings, window)
            self._wait_for_outcomes(window)
        timed("pay", begun)
        begun = time.monotonic()
        reconcile(self.settings)
        timed("reconcile", begun)
        return seconds

    def _close(self, window: str, starts: datetime, *, is_whole: bool) -> None:
        if is_whole:
            run_job(self.settings, "close", starts.date().isoformat())
            return
        check_new_wallets(self.settings)
        with one_build(self.settings):
            run_dbt(self.settings, [*build_arguments(), "--exclude-resource-type", "test"])
        store_closes(self.settings, window)

    def _sell(self, starts: datetime) -> None:
        with connect(self.settings, Component.OWNER) as database:
            database.execute(FACTS, {"starts": starts})

    def ask(self, query: str, *parameters: object) -> list[dict[str, object]]:
        with connect(self.settings, Component.ORCHESTRATOR) as database:
            return rows(database, query, *parameters)

    def _approve(self, window: str) -> bool:
        """Whether there was anything to approve: in the first week all money is in reserve."""
        [payable] = self.ask("select digest, line_count from finance.payable(%s)", window)
        for name in PEOPLE if payable["line_count"] else ():
            with connect_as(self.settings, name, self._password(name)) as database:
                database.execute(
                    "select finance.accept_check(%s, f.check_name, 'as the market is meant to be')"
                    " from finance.failed_checks(%s) as f",
                    [window, window],
                )
                database.execute("select finance.approve(%s, %s)", [window, payable["digest"]])
        return bool(payable["line_count"])

    def _wait_for_outcomes(self, window: str) -> None:
        deadline = time.monotonic() + 120
        while self.ask(OPEN_LINES, window)[0]["n"]:
            assert time.monotonic() < deadline, f"lines of {window} have no outcome"
            time.sleep(0.05)

    def _password(self, name: str) -> str:
        return EmbeddedPostgres(self.settings.home).password(name)

    def _at(self, instant: datetime) -> None:
        self.settings = replace(self.settings, now=instant.isoformat())
        set_clock(self.settings)
