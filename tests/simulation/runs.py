"""Further runs of a window: who became ready after the payout, and what must be paid in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation import batches, paying, releases, restores
from tests.simulation.people import FINANCE
from tests.simulation.violation import Violation

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def another_run(sim: Simulation) -> str:
    """Some day after the payout, held sellers are released, approved and paid in their own run."""
    window = sim.window
    if not window or sim.now < sim.due():
        return "too early"
    count, releaser = releases.late(sim, window)
    luck = sim.luck("another run")
    approvers = luck.sample(FINANCE, luck.choice((1, 2, 2, 3)))
    if sim.luck("the releaser alone").random() < 0.25:
        approvers = [releaser]
    if luck.random() < 0.4:
        sim.step("pay another run unapproved", lambda: paying.pay(sim, window))
    for who in approvers:
        sim.step(f"{who} approves another run", lambda: sim.office.approve(who, window))  # noqa: B023
    sim.step("pay another run", lambda: paying.pay(sim, window))
    paying.withdraw(sim, window)
    return f"{count} were released"


def last_run(sim: Simulation) -> None:
    """When all is over, whoever can be released is, and what that makes ready is paid."""
    window = sim.window
    if not window:
        return
    releases.all_of_them(sim, window)
    sim.step("pay unapproved", lambda: paying.pay(sim, window))
    for who in FINANCE:
        sim.step(f"{who} approves the last run", lambda: sim.office.approve(who, window))  # noqa: B023
    sim.step("pay the last run", lambda: paying.pay(sim, window))
    all_is_paid(sim, window)
    paying.settle_down(sim)


def all_is_paid(sim: Simulation, window: str) -> None:
    """With everybody's approval and a rail without moods, whoever can be paid is.

    Once what the ledger, which a pay reads, has shown of a forgotten payout is corrected.
    """
    if restores.correct(sim):
        sim.step("pay once that is corrected", lambda: paying.pay(sim, window))
    sim.step("all is paid", lambda: _paid(sim, window))


def _paid(sim: Simulation, window: str) -> str:
    conflicts = batches.conflicts(sim, window)
    ready = {s for s in sim.oracle.rows[window] if not sim.oracle.holds_now(window, s, conflicts)}
    paid = sim.rows(
        "select l.seller_id, b.state from finance.payout_lines as l inner join"
        " finance.payout_batches as b on l.batch_id = b.batch_id"
        " where b.payout_window = %s and b.state <> 'rejected'",
        window,
    )
    states = {state for _, state in paid}
    unpaid = ready - {seller for seller, _ in paid}
    if unpaid or (paid and states != {"accepted"}):
        raise Violation(
            "alive",
            f"{window}: {sorted(unpaid)} of {len(ready)} ready lines are not paid, batches are"
            f" {states}: {sim.rows('select finance.payout_obstacles(%s)', window)}",
        )
    return f"{len(ready)} lines"
