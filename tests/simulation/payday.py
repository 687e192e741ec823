"""From the close to the payout: decisions, approvals, second thoughts, and who is paid."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation import acts, days, paying, releases, restores, runs
from tests.simulation.people import FINANCE, OUTSIDER, refused
from tests.simulation.world import new_wallet

RESTORES = 0.15

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def payday(sim: Simulation) -> None:
    """Monday to Tuesday: decisions, approvals, the payout; or what keeps it from happening."""
    window = sim.window
    restores.correct(sim)
    sim.step("checks", lambda: sim.office.accept_checks(window))
    releases.of_monday(sim, window)
    is_restored = sim.luck("a restore").random() < RESTORES and not sim.is_calm
    backup = restores.back_up(sim) if is_restored else None
    luck = sim.luck("approvals")
    approvers = luck.sample(FINANCE, luck.choice((0, 1, 2, 2, 2, 3, 3, 3)))
    if sim.is_calm or (sim.is_rough and luck.random() < 0.7):
        approvers = list(FINANCE)
    for who in approvers:
        sim.step(f"{who} approves", lambda: sim.office.approve(who, window))  # noqa: B023
        if sim.luck("approves again").random() < 0.2:
            sim.step(f"{who} again", lambda: sim.office.approve(who, window))  # noqa: B023
        if sim.luck("revokes").random() < 0.1 and not sim.is_calm:
            sim.step(f"{who} revokes", lambda: sim.office.revoke(who, window))  # noqa: B023
    sim.step("an outsider", lambda: _outsider(sim, window))
    if not sim.is_calm:
        approved = [who for who in approvers if sim.office.has_approved(who, window)]
        second_thoughts(sim, window)
        _approve_again(sim, window, approved)
        if sim.luck("too early").random() < 0.15:
            sim.step("pay too early", lambda: paying.pay(sim, window))
    sim.until(sim.due() + timedelta(minutes=sim.luck("when it is paid").randrange(600)))
    for _ in range(1 if sim.is_calm else sim.luck("pays").randint(1, 3)):
        _pay(sim, window, approvers)
    if backup:
        restores.restore(sim, backup, approvers)
    if sim.is_calm:
        runs.all_is_paid(sim, window)


def _pay(sim: Simulation, window: str, approvers: list[str]) -> None:
    _refuse_one(sim, window)
    sim.step("pay", lambda: paying.pay(sim, window))
    paying.withdraw(sim, window)
    if sim.luck("is it not there").random() < 0.7 and not sim.is_calm:
        sim.step("is it not there?", lambda: paying.declare(sim, window))
    if sim.is_rejected(window):
        sim.until(sim.now + timedelta(minutes=sim.luck("when anew").randrange(1, 200)))
        for who in approvers:
            sim.step(f"{who} approves anew", lambda: sim.office.approve(who, window))  # noqa: B023
        sim.step("pay anew", lambda: paying.pay(sim, window))
    if not sim.is_calm:
        days.between_pays(sim)


def _refuse_one(sim: Simulation, window: str) -> None:
    """A rough rail refuses one of those who are paid first, in a call with others."""
    ready = sorted(s for s in sim.oracle.rows[window] if not sim.oracle.holds_now(window, s, set()))
    if sim.is_rough and not sim.is_calm and ready:
        luck = sim.luck("who is refused")
        sim.rail.refused = luck.choice(ready[:2]) if luck.random() < 0.8 else None


def second_thoughts(sim: Simulation, window: str) -> None:
    """What changes between the approval and the payout: only less may be paid for it."""
    sellers = sorted(sim.oracle.rows[window])
    if not sellers:
        return

    def comes(what: str, chance: float) -> bool:
        return sim.luck(f"second thoughts: {what}").random() < chance

    def who(what: str) -> tuple[str, str]:
        return sim.someone(what), sim.luck(f"whom to {what}").choice(sellers)

    if comes("hold", 0.4):
        person, held = who("hold")
        ready = [s for s in sellers if not sim.oracle.holds_now(window, s, set())]
        held = sim.luck("who is ready and held").choice(ready or [held])
        sim.step(f"hold {held}", lambda: sim.office.hold(person, held))
    if comes("release", 0.35):
        releases.after_the_approval(sim, window)
    if comes("wallet", 0.12):
        _, mover = who("move")
        seller, world = sim.oracle.sellers[mover], sim.world
        wallet = new_wallet(sim.luck("a new wallet"), seller, world.settings, world.wallets)
        sim.step("a new wallet", lambda: acts.edit(sim, mover, {"wallet_address": wallet}))
    if comes("suspend", 0.1):
        _, suspended = who("suspend")
        sim.step("a suspension", lambda: acts.edit(sim, suspended, {"status": "suspended"}))
    if comes("pause", 0.15):
        person, _ = who("pause")
        sim.step("pause", lambda: sim.office.pause(person))
        sim.until(sim.due())
        sim.step("pay in the pause", lambda: paying.pay(sim, window))
        if sim.luck("go on before the payout").random() < 0.7:
            acts.resume(sim)


def _approve_again(sim: Simulation, window: str, approved: list[str]) -> None:
    """Whose approval was from before a hold that somebody lifted since."""
    for who in approved:
        if not sim.office.has_approved(who, window):
            sim.step(f"{who} approves after that", lambda: sim.office.approve(who, window))  # noqa: B023


def _outsider(sim: Simulation, window: str) -> str:
    """Somebody who may read and nothing else tries what only finance may."""
    for query in (
        "select finance.approve('{0}', (select digest from finance.payable('{0}')))",
        "select finance.freeze_batch('{0}')",
        "select finance.pause_payouts('because')",
        "select finance.resolve_line('{0}', 'Z-s0', 'failed', 'because')",
    ):
        said = refused(lambda: sim.office.ask(OUTSIDER, query.format(window)))  # noqa: B023
        assert said, query
    return "refused four times"
