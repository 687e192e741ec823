"""What must hold of the journal at each close: it ends as the books do, and booked months stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

# Every transaction balances; each month ends with what the roll-forward owes, and has in transit.
UNBALANCED = """
select journal_month, payout_window, kind, detail from settlement.journal_entries
group by 1, 2, 3, 4 having sum(debit) <> sum(credit) or count(*) <> 2
"""
APART = """
select r.period, j.owed, r.closing_balance, j.in_transit, r.closing_in_transit
from settlement.liability_rollforward as r
cross join lateral (
    select
        coalesce(sum(e.credit - e.debit) filter (where e.account like '%%:Sellers:%%'), 0) as owed,
        coalesce(sum(e.credit - e.debit) filter (where e.account like '%%:InTransit'), 0)
            as in_transit
    from settlement.journal_entries as e where e.journal_month <= r.period
) as j
where r.period_type = 'month'
    and (j.owed, j.in_transit) <> (r.closing_balance, r.closing_in_transit)
"""
# Months whose last instant is in a stored close: of entries, as what happens to lines is told late.
BOOKED = """
select r.period, md5(coalesce(string_agg(j::text, '|' order by j::text), ''))
from settlement.liability_rollforward as r
left join settlement.journal_entries as j
    on r.period = j.journal_month and j.kind not in (
        'reserve', 'rail_fee', 'sent', 'came_back', 'completed_after_all', 'paid'
    )
where r.period_type = 'month'
    and r.ends_at <= (select max(c.window_ends_at) from finance.window_closes as c)
group by r.period
"""


def check_journal(sim: Simulation) -> None:
    """Raises Violation."""
    for name, query in (("balances", UNBALANCED), ("closes as the books do", APART)):
        if found := sim.rows(query):
            raise Violation("journal", f"not every row {name}: {found[:5]}")
    for month, fingerprint in sim.rows(BOOKED):
        if sim.booked.setdefault(month, fingerprint) != fingerprint:
            raise Violation("journal", f"{month} was booked, and has changed since")
