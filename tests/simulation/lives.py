"""One history from beginning to end, and what came of it; for processes of their own."""

from __future__ import annotations

import atexit
import time
from multiprocessing.util import Finalize
from typing import Any

from tests.simulation import rare
from tests.simulation.lab import lab
from tests.simulation.violation import Violation


def begin() -> None:
    """In a process of a pool, which ends without what atexit knows: its server must end too."""
    Finalize(None, atexit._run_exitfuncs, exitpriority=0)


def lived(seed: int, weeks: int, *, is_told: bool = False) -> dict[str, Any]:
    """What came of one seed; a violation comes with the history up to it, which is the shortest."""
    begun = time.monotonic()
    result: dict[str, Any] = {"seed": seed, "weeks": weeks}
    with lab().history(seed, weeks) as simulation:
        try:
            simulation.run()
        except Violation as violation:
            result |= {"violation": str(violation), "history": simulation.log}
        result |= {"steps": len(simulation.log), "rows": simulation.compared}
        result |= {"lines": len(simulation.rail.book.in_order)}
        result |= {"rare": rare.counted(simulation)}
        if is_told:
            print("\n".join(simulation.log))
    return result | {"seconds": round(time.monotonic() - begun, 2)}


def lived_one(work: tuple[int, int]) -> dict[str, Any]:
    return lived(*work)
