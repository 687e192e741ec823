"""One of the things that happen on any day, drawn by the history's dice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation import acts, paying, webhooks

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def something(sim: Simulation, *, is_calm: bool) -> None:
    """One of the things that happen on any day."""
    usual: list[tuple[str, Callable[[Simulation], str]]] = [
        ("the rail works", lambda s: s.rail.work()),
        ("webhooks arrive", webhooks.deliver),
        ("reconcile", lambda s: paying.ask_rail(s, is_calm=is_calm)),
        ("a build", acts.build),
        ("an adjustment", acts.adjust),
    ]
    odd: list[tuple[str, Callable[[Simulation], str]]] = [
        ("a seller changes", acts.change_seller),
        ("a seller vanishes", acts.vanish),
        ("a seller is held", lambda s: s.office.hold(s.someone(), acts.any_seller(s))),
        ("a wallet is blocked", acts.block),
        ("payouts are paused", lambda s: s.office.pause(s.someone())),
        ("a lying webhook", webhooks.tampered),
        ("the database restarts", acts.restart),
        ("pay again", paying.pay_again),
    ]
    weights = [6, 6, 5, 2, 2] + ([] if is_calm else [3, 0.5, 1, 0.5, 1, 2, 0.4, 2])
    [(what, act)] = sim.rng.choices(usual if is_calm else usual + odd, weights)
    sim.step(what, lambda: act(sim))
    if sim.office.is_paused and (is_calm or sim.rng.random() < 0.7):
        acts.resume(sim)
