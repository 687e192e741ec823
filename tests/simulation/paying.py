"""Paying and asking the rail in a history, and the people's way out where it stays silent."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from orchestrator.settlement.reconcile import reconcile
from tests.simulation import acts, resolutions, restores, webhooks
from tests.simulation.killable import Program
from tests.simulation.people import FINANCE, refused

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def pay(sim: Simulation, window: str) -> str:
    """`settle pay`, which may die, be overtaken by another or by webhooks."""

    def second() -> None:
        program = Program(waits=False)
        said = sim.product(lambda settings: sim.pay_window(settings, window), program)
        sim.log.append(f"     overtaken by another pay: {said}")

    def early() -> None:
        sim.log.append(f"     meanwhile: {sim.rail.work()}, {webhooks.deliver(sim)}")

    program = sim.unlucky("pay", sim.luck("a guest of pay").choice((second, early)))
    known = set(sim.rail.shown_hanging)
    said = sim.product(lambda settings: sim.pay_window(settings, window), program)
    sim.rail.is_asked, sim.rail.shown_hanging = False, known  # of what hangs reconcile tells
    return said


def pay_again(sim: Simulation) -> str:
    """Somebody runs it on any day, for whatever closed last."""
    return pay(sim, sim.window) if sim.window else "too early"


def declare(sim: Simulation, window: str) -> str:
    """Two people ask the rail for an unknown batch, and say so where it has none of it.

    They are honest, and may be wrong all the same: what the network delays is not there yet.
    """
    [(batch_id,)] = sim.rows(
        "select max(batch_id) from finance.payout_batches"
        " where payout_window = %s and state = 'unknown'",
        window,
    )
    lines = {
        line_id
        for (line_id,) in sim.rows(
            "select line_id from finance.payout_lines as l inner join finance.payout_calls as c"
            " on l.batch_id = c.batch_id and l.call_sequence = c.sequence"
            " where l.batch_id = %s and c.state not in ('accepted', 'rejected')",
            batch_id,
        )
    }
    if not lines or lines & sim.rail.known_lines():
        return "it is, or nobody asks"
    for who in FINANCE[:2]:
        query = "select finance.declare_rejected(%s, 'not there')"
        if said := refused(lambda: sim.office.ask(who, query, window)):  # noqa: B023
            return said
    sim.declared |= lines
    return f"{len(lines)} lines are not"


def withdraw(sim: Simulation, window: str, *, is_over: bool = False) -> None:
    """Somebody takes back what was stopped, or decided in part, before it was ever sent.

    In the end also what waits behind a call that the rail never answers for certain.
    """
    stopped = sim.rows(
        "select 1 from finance.payout_batches as b"
        " cross join lateral finance.next_call(b.batch_id) as n"
        " where b.payout_window = %s and b.state <> 'rejected'"
        " and finance.stop_message(b.batch_id, n.sequence) is not null"
        " and not finance.was_sent(b.batch_id, n.sequence)"
        " union all"
        " select 1 from finance.payout_calls as c"
        " inner join finance.payout_lines as l"
        " on c.batch_id = l.batch_id and c.sequence = l.call_sequence and l.state = 'frozen'"
        " where l.payout_window = %s and c.state = 'ready'"
        " and (finance.has_resolved_line(c.batch_id, c.sequence) or %s and exists ("
        " select from finance.payout_calls as o where o.batch_id = c.batch_id"
        " and o.sequence < c.sequence and o.state = 'unknown'))"
        " and not finance.was_sent(c.batch_id, c.sequence)",
        *(window, window, is_over),
    )
    if stopped:
        query = "select finance.withdraw_batch(%s, 'stopped')"
        sim.step("withdraw", lambda: f"{sim.office.ask(FINANCE[0], query, window)} lines")


def ask_rail(sim: Simulation) -> str:
    """`settle reconcile`."""
    known = set(sim.rail.shown_hanging)
    sim.rail.is_asked = True
    said = sim.product(reconcile, sim.unlucky("reconcile", lambda: None))
    sim.rail.is_asked = False
    sim.is_reconciled = said.isdigit()
    if not sim.is_reconciled:  # who was killed tells nobody what it was shown
        sim.rail.shown_hanging = known
    return said


def settle_down(sim: Simulation) -> None:
    """Everything that is under way comes to its end."""
    if sim.office.is_paused:
        acts.resume(sim)
    unfinished = "select payout_window from finance.payout_batches where state not in"
    for (window,) in sim.rows(f"{unfinished} ('accepted', 'rejected') order by batch_id"):
        sim.step(f"pay {window}", lambda: pay(sim, window))  # noqa: B023
        withdraw(sim, window, is_over=True)
    for _ in range(3):
        sim.until(sim.now + timedelta(hours=2))
        sim.step("the rail ends all", lambda: sim.rail.work(1.0))
        sim.step("reconcile", lambda: ask_rail(sim))
    restores.correct(sim, is_over=True)
    for question in resolutions.questions(sim):
        sim.step("two people resolve", lambda: resolutions.settle(sim, question))  # noqa: B023
    for (window,) in sim.rows(f"{unfinished} ('accepted', 'rejected') order by batch_id"):
        sim.step(f"{window} is not there", lambda: declare(sim, window))  # noqa: B023
