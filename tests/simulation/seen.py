"""What the database has after a step, read once for all that must hold of it.

A history has hundreds of steps, and a statement costs more than what it finds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

CLOSED = ("closes", "close_rows", "close_entries", "close_health")
BATCHES = """
select batch_id, payout_window, run, state, frozen_at from finance.payout_batches order by batch_id
"""
LINES = """
select
    l.line_id, l.seller_id, l.payout_window, l.idempotency_key, l.payout_id, l.state,
    l.amount_minor, l.wallet_address, l.returned_at is not null, l.retaken_at is not null,
    array(
        select e.event_type from finance.events as e
        where e.line_id = l.line_id order by e.event_number
    ),
    array(
        select e.kind from finance.line_events as e
        where e.line_id = l.line_id order by e.line_event_id
    )
from finance.payout_lines as l
"""
# What a restore makes the database forget of it was seen before.
REST = """
select 'alert', kind, subject from finance.alerts
union all
select 'misnumbered', seller_id, format('%s is number %s', sequence, place)
from (
    select
        seller_id, sequence,
        row_number() over (partition by seller_id order by event_number) as place
    from finance.events
) as numbered
where sequence <> place
union all
select 'a call refused in part', batch_id::text, sequence::text
from finance.payout_calls where follows is not null
union all
select
    case when policy is null then 'a flag that is lifted' else 'a flag that is paid' end,
    payout_window, seller_id
from finance.flag_assignments
"""
# Alike as long as no row of a stored close was added, edited or removed: whatever edits a row makes
# it one of a later transaction. Cheaper by far than to read them.
MARK = "(select (count(*), age('3'::xid)::bigint - min(age(xmin)))::text from finance.window_{})"
CLOSES = f"select {', '.join(map(MARK.format, CLOSED))}"


class Batch(NamedTuple):
    batch_id: int
    window: str
    run: int
    state: str
    frozen_at: datetime


class Line(NamedTuple):
    """`told` are the events that its seller got, `moves` what happened to it; both in order."""

    line_id: str
    seller: str
    window: str
    key: str
    payout_id: str | None
    state: str
    amount: int
    wallet: str
    is_returned: bool
    is_retaken: bool
    told: list[str]
    moves: list[str]


@dataclass(frozen=True)
class Seen:
    batches: list[Batch] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    rest: list[tuple[str, str, str]] = field(default_factory=list)
    closes: tuple[Any, ...] = ()

    def of(self, what: str) -> Iterator[tuple[str, str]]:
        """The pairs of the rest that are of one kind."""
        return ((one, other) for kind, one, other in self.rest if kind == what)


def see(sim: Simulation) -> Seen:
    [closes] = sim.rows(CLOSES)
    return Seen(
        [Batch(*row) for row in sim.rows(BATCHES)],
        [Line(*row) for row in sim.rows(LINES)],
        [(kind, one, other) for kind, one, other in sim.rows(REST)],
        closes,
    )
