"""What must hold of a batch that is new: approved by enough people, complete, and due."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation.people import Approval
from tests.simulation.seen import Batch

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def approved(sim: Simulation) -> Iterator[str]:
    """A new batch holds what approvals of its run hold, is due, and has all the people it takes."""
    for batch_id, window, run, _, frozen_at in _new_batches(sim):
        lines = _lines_of(sim, batch_id)
        given = sim.office.approvals.get(window, [])
        standing = [a for a in given if a.stands and a.run == run]
        covering = [a for a in standing if _covers(a, lines)]
        people = {approval.person for approval in covering}
        # Runs of a window count together.
        total = sum(amount for amount, _, _ in lines.values())
        total += sum(_paid_before(sim, window, batch_id).values())
        if len(people) < (2 if total > sim.dual_limit else 1):
            yield f"{window} was frozen with {total} cents on the approval of {sorted(people)}"
        releasers = {
            who for w, seller, who in sim.office.released_by if w == window and seller in lines
        }
        if len(people) == 1 and people & releasers:
            yield f"{window} was frozen by {people} alone, who released a seller of it"
        due_at = next(w for w in sim.oracle.closes if w.label == window).ends_at
        if frozen_at < due_at + timedelta(hours=31):  # 08:00, of which a clock change may take one
            yield f"{window} was frozen at {frozen_at}, before it was due"
        if sim.office.is_paused:
            yield f"{window} was frozen while payouts were paused"


def _covers(approval: Approval, lines: dict[str, tuple[int, str, str]]) -> bool:
    return all(approval.lines.get(seller) == line for seller, line in lines.items())


def complete(sim: Simulation) -> Iterator[str]:
    """A new batch pays each seller whom nothing holds, nobody else, and to the cent what is due."""
    for batch_id, window, *_ in _new_batches(sim):
        lines = _lines_of(sim, batch_id)
        in_conflict = conflicts(sim, window, batch_id)
        rows = sim.oracle.rows[window]
        ready = {s for s in rows if not sim.oracle.holds_now(window, s, in_conflict)}
        ready -= set(_paid_before(sim, window, batch_id))
        for seller in in_conflict & set(rows):
            if sim.oracle.holds_now(window, seller, in_conflict) == ["outcome_conflict"]:
                sim.meets("an outcome_conflict alone that holds", f"{window}/{seller}")
        for seller in sorted(ready - set(lines)):
            yield f"{seller} is forgotten in {window}: nothing holds {rows[seller].net} cents"
        for seller in sorted(set(lines) - ready):
            held = sim.oracle.holds_now(window, seller, in_conflict) if seller in rows else "no row"
            yield f"{seller} is paid in {window} and should not be: {held}"
        for seller in sorted(ready):
            row, (amount, rail, wallet) = rows[seller], lines[seller]
            due = (row.net, row.rail, sim.oracle.wallets_of[window][seller])
            if (amount, rail, wallet) != due:
                yield f"{seller} is paid {amount, rail, wallet} in {window}; due is {due}"
        wrong = sim.rows(
            "select l.seller_id, l.amount_minor, sum(r.amount) from finance.payout_lines as l"
            " left join settlement.receipts as r on l.line_id = r.line_id"
            " where l.batch_id = %s group by l.line_id"
            " having sum(r.amount) * 100 is distinct from l.amount_minor",
            batch_id,
        )
        for seller, amount, receipt in wrong:
            yield f"the receipt of {seller} in {window} sums to {receipt}, not to {amount} cents"


def conflicts(sim: Simulation, window: str, batch_id: int | None = None) -> set[str]:
    """Sellers with money that came back and was paid all the same, since the window's end.

    What comes to light after the freeze of the batch is left out: what is frozen is decided.
    """
    end = next(w for w in sim.oracle.closes if w.label == window).ends_at
    found = sim.rows(
        # Of transactions one after another, as histories run them, the ids tell the order.
        "with frozen as (select min(e.xmin::text::bigint) as xid from finance.line_events as e"
        " inner join finance.payout_lines as l on e.line_id = l.line_id"
        " where l.batch_id = %s and e.kind = 'frozen')"
        " select l.seller_id from finance.payout_lines as l cross join frozen"
        " where (l.retaken_at >= %s and not exists (select from finance.line_events as e"
        " where e.line_id = l.line_id and e.kind like 'completed\\_after\\_%%'"
        " and e.xmin::text::bigint > frozen.xid))"
        " or (l.returned_at is not null and l.retaken_at is null"
        " and exists (select from finance.breaks as b"
        " where b.subject = l.line_id and b.closed_at is null"
        " and (b.xmin::text::bigint > frozen.xid) is not true))"
        # Or that came back by the ledger alone, or differs from what people said of it.
        " or (l.state = 'completed' and exists (select from finance.breaks as b"
        " where b.kind in ('returned_by_ledger', 'contrary_outcome') and b.subject = l.line_id"
        " and b.closed_at is null and (b.xmin::text::bigint > frozen.xid) is not true))"
        # Or paid in this window by an attempt that was called rejected.
        " or (l.payout_window = %s and l.state <> 'rejected' and exists (select"
        " from finance.payout_batches as p where p.batch_id = l.batch_id and p.state = 'rejected')"
        " and not exists (select from finance.line_events as e where e.line_id = l.line_id"
        " and e.xmin::text::bigint > frozen.xid))",
        batch_id,
        end,
        window,
    )
    return {seller for (seller,) in found}


def _paid_before(sim: Simulation, window: str, batch_id: int) -> dict[str, int]:
    """Sellers whom an earlier batch of the window pays, with their cents."""
    return dict(
        sim.rows(
            "select seller_id, amount_minor from finance.payout_lines"
            " where payout_window = %s and batch_id < %s and state <> 'rejected'",
            window,
            batch_id,
        )
    )


def paid(sim: Simulation, window: str) -> set[str]:
    """Sellers who have a line in the window that is not rejected."""
    query = (
        "select seller_id from finance.payout_lines where payout_window = %s"
        " and state <> 'rejected'"
    )
    return {seller for (seller,) in sim.rows(query, window)}


def _new_batches(sim: Simulation) -> list[Batch]:
    return [batch for batch in sim.seen.batches if batch.batch_id not in sim.batches]


def _lines_of(sim: Simulation, batch_id: int) -> dict[str, tuple[int, str, str]]:
    return {
        seller: (amount, rail, wallet)
        for seller, amount, rail, wallet in sim.rows(
            "select seller_id, amount_minor, rail, wallet_address from finance.payout_lines"
            " where batch_id = %s",
            batch_id,
        )
    }
