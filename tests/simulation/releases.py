"""Whom people release, when, and how: one by one, all of one reason, or as a file."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation import batches, files
from tests.simulation.oracle import RELEASABLE
from tests.simulation.people import FINANCE

if TYPE_CHECKING:
    from tests.simulation.history import Simulation


def of_monday(sim: Simulation, window: str) -> None:
    """Half of those that the close holds, each tried alone; or those that can be, as a file."""
    luck = sim.luck("releases of Monday")
    chosen = [s for s, held in sorted(sim.oracle.reasons[window].items()) if held]
    chosen = [seller for seller in chosen if luck.random() < 0.5]
    who = sim.someone("releases on Monday")
    if luck.random() < 0.4:
        able = _able(sim, window)
        _in_one(sim, luck, who, window, [s for s in chosen if s in able], until_ready=True)
    else:
        _one_by_one(sim, who, window, chosen)


def after_the_approval(sim: Simulation, window: str) -> None:
    """Somebody who can be paid all at once is ready beside those who were approved."""
    luck, who = sim.luck("releases after the approval"), sim.someone("releases after it")
    able = sorted(_able(sim, window))
    if able:
        _in_one(sim, luck, who, window, [luck.choice(able)], until_ready=True)


def late(sim: Simulation, window: str) -> tuple[int, str]:
    """Some of those that are held on a day after the payout."""
    luck, who = sim.luck("late releases"), sim.someone("releases late")
    chosen = [seller for seller in sorted(_able(sim, window)) if luck.random() < 0.6]
    _in_one(sim, luck, who, window, chosen, until_ready=True)
    return len(chosen), who


def all_of_them(sim: Simulation, window: str) -> None:
    """Whoever can be released from everything, is."""
    for seller in sorted(_able(sim, window)):
        _until_ready(sim, FINANCE[2], window, seller)


def _able(sim: Simulation, window: str) -> set[str]:
    """Who is held, has no line, and for nothing but what a person may release."""
    conflicts, paid = batches.conflicts(sim, window), batches.paid(sim, window)
    held = {
        seller: set(sim.oracle.holds_now(window, seller, conflicts))
        for seller in sim.oracle.rows[window]
        if seller not in paid
    }
    return {seller for seller, reasons in held.items() if reasons and reasons <= {*RELEASABLE}}


def _in_one(
    sim: Simulation,
    luck: Random,
    who: str,
    window: str,
    sellers: list[str],
    *,
    until_ready: bool = False,
) -> None:
    """By whatever way luck has it; what another reason still holds is then released singly."""
    if sellers and luck.random() < 0.5:
        rows = _rows(sim, window, sellers)
        if luck.random() < 0.5:
            bad = files.spoilt(luck, rows, seller_id=_ready(sim, window))
            sim.step("a bad file of releases", lambda: _refused(sim, who, window, bad))
        sim.step("a file of releases", lambda: _file(sim, who, window, rows))
    elif sellers:
        _one_by_one(sim, who, window, sellers)
    if until_ready:
        for seller in sellers:
            _until_ready(sim, who, window, seller)


def _file(sim: Simulation, who: str, window: str, rows: list[dict[str, Any]]) -> str:
    said = sim.office.release_file(who, window, rows)
    if not said.startswith("refused"):
        sim.meets("a file of decisions", f"releases {sim.now} {rows}")
    return said


def _one_by_one(sim: Simulation, who: str, window: str, sellers: list[str]) -> None:
    for seller in sellers:
        sim.step(f"release {seller}", lambda: sim.office.release(who, window, seller))  # noqa: B023


def _until_ready(sim: Simulation, who: str, window: str, seller: str) -> None:
    for _ in range(len(RELEASABLE)):
        if seller in _able(sim, window):
            sim.step(f"release {seller} too", lambda: sim.office.release(who, window, seller))


def _rows(sim: Simulation, window: str, sellers: list[str]) -> list[dict[str, Any]]:
    """As somebody who has looked at them writes them down."""
    found = sim.rows(
        "select seller_id, held_for, wallet_now from finance.held_sellers(%s)"
        " where seller_id = any(%s) order by seller_id",
        *(window, sellers),
    )
    names = ("seller_id", "held_for", "wallet")
    rows = enumerate(found, start=2)
    return [{"line": line, **dict(zip(names, row, strict=True))} for line, row in rows]


def _ready(sim: Simulation, window: str) -> str:
    """Somebody who is not held, or whom nobody knows."""
    held = {
        seller for (seller,) in sim.rows("select seller_id from finance.held_sellers(%s)", window)
    }
    return next((s for s in sorted(sim.oracle.rows[window]) if s not in held), "nobody")


def _refused(sim: Simulation, who: str, window: str, rows: list[dict[str, Any]]) -> str:
    query = "select (finance.release_sellers(%s, %s, 'all of them')).file_id"
    return files.refused_whole(sim, who, query, window, json.dumps(rows))
