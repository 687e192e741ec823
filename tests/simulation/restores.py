"""A database put back to what it was before a payout, while the rail goes on.

What was sent since is forgotten here, and not at the rail. The window itself meets it there by its
keys; of what it does not meet, two people take the money off the balance.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.reference.facts import Adjustment
from tests.simulation import days, paying
from tests.simulation.databases import put_back, set_aside
from tests.simulation.people import FINANCE, refused

if TYPE_CHECKING:
    from tests.simulation.history import Simulation

# What a history knows of its database alone; what the rail has, it keeps.
KNOWN = ("oracle", "batches", "fingerprints", "booked", "expected_alerts", "declared", "resolved")
DECIDED = ("approvals", "released_by", "blocked_by", "resumed_by", "is_paused")


@dataclass(frozen=True)
class Backup:
    """A copy of the database, and of what was known when it was made."""

    name: str
    known: dict[str, Any]
    decided: dict[str, Any]
    waiting: list[Any]


def back_up(sim: Simulation) -> Backup:
    sim.leave()
    name = set_aside(sim.settings)
    return Backup(
        name,
        {name: deepcopy(getattr(sim, name)) for name in KNOWN},
        {name: deepcopy(getattr(sim.office, name)) for name in DECIDED},
        list(sim.world.waiting),
    )


def restore(sim: Simulation, backup: Backup, approvers: list[str]) -> None:
    """Back to it; then people ask the rail before they approve and pay anything again."""
    window = sim.window
    sim.step("a restore", lambda: _put_back(sim, backup))
    for _ in range(3):
        sim.step("reconcile", lambda: paying.ask_rail(sim))
    for who in approvers:
        sim.step(f"{who} approves again", lambda: sim.office.approve(who, window))  # noqa: B023
    sim.step("pay once more", lambda: paying.pay(sim, window))
    paying.withdraw(sim, window)
    days.between_pays(sim)


def _put_back(sim: Simulation, backup: Backup) -> str:
    sim.meets("a restore", backup.name)
    sim.leave()
    put_back(sim.settings, backup.name)
    for name, value in backup.known.items():
        setattr(sim, name, value)
    sim.oracle.wallets = sim.world.wallets
    sim.office.oracle = sim.oracle
    for name, value in backup.decided.items():
        setattr(sim.office, name, value)
    sim.world.waiting[:] = backup.waiting
    sim.is_reconciled = False
    # In the time that is lost, lines may have gone out in other company.
    sim.keys.clear()
    sim.bodies.clear()
    sim.rail.forgotten = len(sim.rail.calls)
    sim.rail.shown_hanging.clear()  # who was told of it is forgotten, and it may go on meanwhile
    calls = sim.rail.delayed
    sim.forgotten |= sim.rail.known_lines() | {
        payout["metadata"]["line_id"] for call in calls for payout in call.payouts
    }
    sim.until(sim.now)
    return f"{len(sim.rail.book.in_order)} payouts are at the rail, {len(calls)} calls under way"


def correct(sim: Simulation, *, is_over: bool = False) -> bool:
    """Of a payout that no line has, and whose window is over, two people take the money off.

    Whether there was one.
    """
    lost = sim.rows(
        "select break_id, subject from finance.breaks where kind = 'payout_without_line'"
        " and closed_at is null and (payout_window <> %s or %s) order by break_id",
        *(sim.window, is_over),
    )
    for number, payout_id in lost:
        sim.step("a lost payout is corrected", lambda: _correct(sim, number, payout_id))  # noqa: B023
    return bool(lost)


def _correct(sim: Simulation, number: int, payout_id: str) -> str:
    close = "select finance.close_break(%s, 'it is corrected')"
    said = refused(lambda: sim.office.ask(FINANCE[0], close, number))
    if said:  # a line has it by now
        return said
    payout = sim.rail.finish(payout_id)
    sim.lost.add(payout_id)
    amount = Decimal(payout["amount"]) if sim.rail.is_paid(payout) else Decimal(0)
    take_off(sim, payout["metadata"]["seller_id"], amount, number)
    return f"{payout_id} is {payout['status']}"


def take_off(sim: Simulation, seller: str, amount: Decimal, number: int) -> None:
    """Two people correct the balance, and close the break that says why."""
    if amount:
        enter = "select finance.enter_adjustment(%s, %s, 'by the books of the rail')"
        entered = sim.office.ask(FINANCE[0], enter, seller, -int(amount * 100))
        sim.office.ask(FINANCE[1], "select finance.approve_adjustment(%s)::text", entered)
        adjustment = Adjustment(str(entered), seller, -amount, sim.now)
        sim.oracle.lands("adjustments", [adjustment])
    for who in FINANCE[:2]:
        sim.office.ask(who, "select finance.close_break(%s, 'it is corrected')", number)
