"""A copy of the closed marketplace in which weeks are paid by the control functions alone."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as
from tests.simulation.lab import lab
from tests.support.closed_week import FINANCE, NOW, closed_week
from tests.support.ledgers import LEDGERS_READ
from tests.support.settings import at

SELL = """
insert into marketplace.orders (
    order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at
)
select s.seller_id || t.at, s.seller_id || t.at, s.seller_id, 'USD', 400, t.at, t.at
from marketplace.sellers as s cross join (values (%(at)s::timestamptz)) as t (at)
"""
# A payout as the rail shows it, and the answer to a batch's call that lists them.
PAYOUT = """
jsonb_build_object(
    'id', 'payout-' || l.line_id, 'status', %(status)s::text, 'currency', l.rail_currency,
    'environment', 'test', 'amount', finance.money(l.amount_minor),
    'destination', l.wallet_address, 'idempotency_key', l.idempotency_key,
    'network_fee', '1.25', 'fee_amount', '0.1'
)
"""
ACCEPTED = f"""
select convert_to(jsonb_build_object('data', jsonb_build_object(
    'id', 'rail-' || %(batch)s::text, 'payouts', jsonb_agg({PAYOUT})
))::text, 'UTF8')
from finance.payout_lines as l where l.batch_id = %(batch)s
"""
REFUSED = b'{"error": {"code": "validation_error", "message": "no", "details": []}}'
OUTCOME = f"""
select finance.record_payout({PAYOUT}, %(source)s) from finance.payout_lines as l
where l.seller_id = any(%(sellers)s) and l.payout_window = %(window)s and l.state <> 'rejected'
"""
LEDGER = """
insert into halfin.ledger_entries (
    currency, ledger_entry_id, entry_type, amount, payout_id, created_at
)
select l.rail_currency, l.line_id || m.entry_type, m.entry_type, m.amount, l.payout_id, settle_now()
from finance.payout_lines as l
cross join lateral (
    values ('payout', -l.amount_minor::numeric / 100), ('fee', -1.35)
) as m (entry_type, amount)
where l.state = 'completed'
on conflict do nothing
"""


class PaidWeeks:
    """The database, Tuesday 08:00, with W46 waiting for approval."""

    def __init__(self) -> None:
        self.now = NOW
        self.settings: Settings = closed_week().copy()

    def rows(self, query: str, who: Component = Component.OWNER, **named: Any) -> list[Any]:
        """What a query returns, committed."""
        with connect(self.settings, who) as database:
            cursor = database.execute(query.encode(), named or None)
            return cursor.fetchall() if cursor.description else []

    def value(self, query: str, who: Component = Component.ORCHESTRATOR, **named: Any) -> Any:
        [(value,)] = self.rows(query, who, **named)
        return value

    def wait(self, time: timedelta) -> None:
        self.now += time
        self.settings = at(self.settings, self.now)

    def sell(self, instant: datetime) -> None:
        """One order of each seller, for 400.00."""
        self.rows(SELL, at=instant)

    def close(self, window: str) -> None:
        """Build and close on the next Monday; then it is Tuesday, and the window is due."""
        self.wait(timedelta(days=7 - self.now.weekday()))
        self.build()
        assert self.value("select finance.store_close(%(w)s)", w=window) is True
        self.wait(timedelta(days=1))

    def build(self) -> None:
        """What dbt compiles, without dbt; test_simulation.py shows that the rows are the same."""
        replace(lab().project, zone="UTC").build(self.settings)

    def freeze(self, window: str) -> int:
        with connect_as(self.settings, FINANCE, closed_week().server.password(FINANCE)) as person:
            query = "select finance.approve(payout_window, digest) from finance.payable(%s)"
            person.execute(query, [window])
        self.rows(LEDGERS_READ)
        return int(self.value("select finance.freeze_batch(%(w)s)", w=window))

    def accept(self, batch: int) -> None:
        body = self.value(ACCEPTED, batch=batch, status="processing")
        assert self._answer(batch, 201, body) == "accepted"

    def reject(self, batch: int) -> None:
        assert self._answer(batch, 400, REFUSED) == "rejected"

    def _answer(self, batch: int, status: int, body: bytes) -> Any:
        self.value("select finance.begin_attempt(%(b)s, 1)", b=batch)
        self.value(
            "select finance.append_response_chunk(%(b)s, 1, 1, %(body)s)", b=batch, body=body
        )
        end = "select finance.end_attempt(%(b)s, 1, 1, %(status)s, true, 'r')"
        self.value(end, b=batch, status=status)
        return self.value("select batch_state from finance.conclude_call(%(b)s, 1)", b=batch)

    def outcome(self, status: str, source: str, window: str, *sellers: str) -> set[str]:
        """The rail tells of these sellers' payouts; returns what that made of the lines."""
        named = {"status": status, "source": source, "window": window, "sellers": list(sellers)}
        found = self.rows(OUTCOME, **named)
        assert len(found) == len(sellers)
        return {state for (state,) in found}

    def read_ledger(self) -> None:
        """The rail's ledger has what was paid, and its fees."""
        self.rows(LEDGER)

    def sellers(self, window: str) -> list[str]:
        """The sellers of the window's standing lines, the smallest line first."""
        query = (
            "select seller_id from finance.payout_lines where payout_window = %(w)s"
            " and state <> 'rejected' order by amount_minor"
        )
        return [seller for (seller,) in self.rows(query, w=window)]
