"""make simulate: many histories on both cores, taken up again where they were left.

`SEED=n` lives one seed again and tells it step by step. Without it, seeds 0 to N - 1 are lived, and
each result is a line of the log: what went well there is not lived again.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.simulation import rare
from tests.simulation.lives import begin, lived, lived_one
from tests.support.postgres import share_templates

ENOUGH = 20  # histories in which what is rare should have happened


def _known(log: Path) -> Iterator[dict[str, Any]]:
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def main() -> int:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--histories", type=int, default=100)
    parser.add_argument("--weeks", type=int, default=12)
    parser.add_argument("--seed", type=int, help="live this one again, and tell it")
    parser.add_argument("--log", type=Path, default=Path(".settle-simulations.jsonl"))
    asked = parser.parse_args()
    # Killed, too, it leaves no process and no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    share_templates()
    if asked.seed is not None:
        result = lived(asked.seed, asked.weeks, is_told=True)
        print(result.get("violation", f"seed {asked.seed}: all is well"))
        return int("violation" in result)
    # What was violated may be mended by now: it is lived again.
    known = (r for r in _known(asked.log) if r["weeks"] == asked.weeks and "rare" in r)
    found = list({r["seed"]: r for r in known if "violation" not in r}.values())
    done = {r["seed"] for r in found}
    work = [(seed, asked.weeks) for seed in range(asked.histories) if seed not in done]
    print(f"{len(done)} histories of {asked.weeks} weeks are known, {len(work)} are to be lived")
    with (
        multiprocessing.get_context("spawn").Pool(os.cpu_count(), initializer=begin) as pool,
        asked.log.open("a", encoding="utf-8") as log,
    ):
        for result in pool.imap_unordered(lived_one, work):
            log.write(json.dumps(result) + "\n")
            log.flush()
            found.append(result)
            if "violation" in result:
                print(
                    "\n".join([*result["history"], f"seed {result['seed']}: {result['violation']}"])
                )
            elif len(found) % 50 == 0:
                print(f"{len(found)} lived", flush=True)
        pool.close()
        pool.join()  # their servers end with them
    found = [r for r in found if r["seed"] < asked.histories]
    sums = {name: sum(r[name] for r in found) for name in ("steps", "lines", "rows")}
    broken = sorted(r["seed"] for r in found if "violation" in r)
    print(
        f"{len(found)} histories of {asked.weeks} weeks: {sums['steps']} steps, {sums['lines']}"
        f" payouts, {sums['rows']} rows compared; violations: {broken or 'none'}"
    )
    rarities = rare.histories(r["rare"] for r in found)
    print(rare.table(rarities, len(found)))
    missing = rare.too_rare(rarities) if len(found) >= ENOUGH else []
    if missing:
        print(f"too rare, in fewer than {rare.LEAST} histories: {', '.join(missing)}")
    return int(bool(broken or missing))


if __name__ == "__main__":
    sys.exit(main())
