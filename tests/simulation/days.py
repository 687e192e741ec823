"""What happens on any day of a week: each kind of act comes when its own dice say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.simulation import acts, files, paying, resolutions, runs, webhooks

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


@dataclass(frozen=True)
class Act:
    """`often` is how many times a week on average; a calm week has only what is `usual`."""

    what: str
    do: Callable[[Simulation], str]
    often: float
    usual: bool = False


ACTS = (
    Act("the rail works", lambda s: s.rail.work(), 1.2, usual=True),
    Act("webhooks arrive", webhooks.deliver, 1.2, usual=True),
    Act("reconcile", paying.ask_rail, 0.8, usual=True),
    Act("a build", acts.build, 0.3, usual=True),
    Act("an adjustment", acts.adjust, 0.3, usual=True),
    Act("a seller changes", acts.change_seller, 0.6),
    Act("a seller vanishes", acts.vanish, 0.1),
    Act("a seller is held", acts.hold, 0.2),
    Act("a wallet is blocked", acts.block, 0.35),
    Act("a block is lifted", acts.unblock, 0.3),
    Act("a file of holds", files.hold, 0.15),
    Act("a file of adjustments", files.adjust, 0.15),
    Act("people resolve a line", resolutions.resolve, 0.5),
    Act("another run", runs.another_run, 0.7),
    Act("payouts are paused", acts.pause, 0.15),
    Act("a lying webhook", webhooks.tampered, 0.3),
    Act("the database restarts", acts.restart, 0.04),
    Act("pay again", paying.pay_again, 0.3),
)


def live(sim: Simulation) -> None:
    """The days until the window ends."""
    ends_at = sim.zone_window.ends_at - timedelta(minutes=1)
    begins_at = min(sim.now, ends_at)
    for moment, act in sorted(_agenda(sim), key=lambda item: (item[0], item[1].what)):
        sim.until(begins_at + (ends_at - begins_at) * moment)
        happen(sim, act)


def happen(sim: Simulation, act: Act) -> None:
    sim.step(act.what, lambda: act.do(sim))
    if sim.office.is_paused and (sim.is_calm or sim.luck("go on").random() < 0.7):
        acts.resume(sim)


def between_pays(sim: Simulation) -> None:
    """The rail and its webhooks do not wait for a second try."""
    for act in ACTS[:3]:
        if sim.luck(f"{act.what} between pays").random() < 0.25:
            happen(sim, act)


def _agenda(sim: Simulation) -> Iterator[tuple[float, Act]]:
    for act in ACTS:
        luck = sim.luck(f"when {act.what}")
        times = int(act.often) + (luck.random() < act.often % 1)
        if act.usual or not sim.is_calm:
            for _ in range(times):
                yield luck.random(), act
