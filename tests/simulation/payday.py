"""From the close to the payout: decisions, approvals, second thoughts, and who is paid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation import acts, batches, days, paying
from tests.simulation.oracle import RELEASABLE
from tests.simulation.people import FINANCE, OUTSIDER, refused
from tests.simulation.violation import Violation
from tests.simulation.world import new_wallet

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def payday(sim: Simulation, *, is_calm: bool) -> None:
    """Monday to Tuesday: decisions, approvals, the payout; or what keeps it from happening."""
    window = sim.window
    sim.step("checks", lambda: sim.office.accept_checks(window))
    for seller, reasons in sorted(sim.oracle.reasons[window].items()):
        if reasons and sim.rng.random() < 0.5:
            who = sim.someone()
            sim.step(f"release {seller}", lambda: sim.office.release(who, window, seller))  # noqa: B023
    approvers = sim.rng.sample(FINANCE, 3 if is_calm else sim.rng.choice((0, 1, 2, 2, 3, 3)))
    for who in approvers:
        sim.step(f"{who} approves", lambda: sim.office.approve(who, window))  # noqa: B023
        if sim.rng.random() < 0.2:
            sim.step(f"{who} again", lambda: sim.office.approve(who, window))  # noqa: B023
        if not is_calm and sim.rng.random() < 0.1:
            sim.step(f"{who} revokes", lambda: sim.office.revoke(who, window))  # noqa: B023
    sim.step("an outsider", lambda: _outsider(sim, window))
    if not is_calm and sim.rng.random() < 0.5:
        second_thoughts(sim, window)
    if not is_calm and sim.rng.random() < 0.15:
        sim.step("pay too early", lambda: paying.pay(sim, window, is_calm=False))
    sim.until(sim.due() + timedelta(minutes=sim.rng.randrange(600)))
    for _ in range(1 if is_calm else sim.rng.randint(1, 3)):
        sim.step("pay", lambda: paying.pay(sim, window, is_calm=is_calm))
        paying.withdraw(sim, window)
        if not is_calm and sim.rng.random() < 0.4:
            sim.step("is it not there?", lambda: paying.declare(sim, window))
        if sim.is_rejected(window):
            sim.until(sim.now + timedelta(minutes=sim.rng.randrange(1, 200)))
            for who in approvers:
                sim.step(f"{who} approves anew", lambda: sim.office.approve(who, window))  # noqa: B023
            sim.step("pay anew", lambda: paying.pay(sim, window, is_calm=is_calm))
        if not is_calm and sim.rng.random() < 0.5:
            days.something(sim, is_calm=False)
    if is_calm:
        sim.step("all is paid", lambda: paid_in_calm(sim, window))


def another_run(sim: Simulation) -> None:
    """When all is over, held sellers are released, and what that makes ready is another run.

    It is the end of the history, so that nothing before it depends on what it draws.
    """
    window = sim.window
    if not window:
        return
    for seller, reasons in sorted(sim.oracle.reasons[window].items()):
        for _ in reasons if {*reasons} <= {*RELEASABLE} else ():
            sim.step(
                f"release {seller} late",
                lambda: sim.office.release(FINANCE[2], window, seller),  # noqa: B023
            )
    sim.step("pay unapproved", lambda: paying.pay(sim, window, is_calm=True))
    for who in FINANCE[:2]:
        sim.step(f"{who} approves another run", lambda: sim.office.approve(who, window))  # noqa: B023
    sim.step("pay another run", lambda: paying.pay(sim, window, is_calm=True))
    sim.step("all is paid", lambda: paid_in_calm(sim, window))
    paying.settle_down(sim)


def second_thoughts(sim: Simulation, window: str) -> None:
    """What changes between the approval and the payout: only less may be paid for it."""
    who, seller = sim.someone(), sim.rng.choice(sorted(sim.oracle.rows[window] or [""]))
    if not seller:
        return
    match sim.rng.choice(("hold", "release", "release", "wallet", "pause", "suspend")):
        case "hold":
            sim.step(f"hold {seller}", lambda: sim.office.hold(who, seller))
        case "release":
            reasons = sim.oracle.reasons[window]
            able = sorted(s for s in reasons if reasons[s] and {*reasons[s]} <= {*RELEASABLE})
            held = sim.rng.choice(able or [seller])
            sim.step(f"release {held}", lambda: sim.office.release(who, window, held))
        case "wallet":
            wallet = new_wallet(
                sim.rng, sim.oracle.sellers[seller], sim.world.settings, sim.world.wallets
            )
            sim.step("a new wallet", lambda: acts.edit(sim, seller, {"wallet_address": wallet}))
        case "suspend":
            sim.step("a suspension", lambda: acts.edit(sim, seller, {"status": "suspended"}))
        case "pause":
            sim.step("pause", lambda: sim.office.pause(who))
            sim.until(sim.due())
            sim.step("pay in the pause", lambda: paying.pay(sim, window, is_calm=False))
            if sim.rng.random() < 0.7:
                acts.resume(sim)


def paid_in_calm(sim: Simulation, window: str) -> str:
    """With everybody's approval and a rail without moods, whoever can be paid is."""
    conflicts = batches.conflicts(sim, window)
    ready = [s for s in sim.oracle.rows[window] if not sim.oracle.holds_now(window, s, conflicts)]
    states = sim.rows(
        "select state from finance.payout_batches where payout_window = %s and state <> 'rejected'",
        window,
    )
    if ready and (not states or set(states) != {("accepted",)}):
        raise Violation(
            "alive", f"{window} has {len(ready)} ready lines, and its batches are {states}"
        )
    return f"{len(ready)} lines"


def _outsider(sim: Simulation, window: str) -> str:
    """Somebody who may read and nothing else tries what only finance may."""
    for query in (
        "select finance.approve('{0}', (select digest from finance.payable('{0}')))",
        "select finance.freeze_batch('{0}')",
        "select finance.pause_payouts('because')",
    ):
        said = refused(lambda: sim.office.ask(OUTSIDER, query.format(window)))  # noqa: B023
        assert said, query
    return "refused three times"
