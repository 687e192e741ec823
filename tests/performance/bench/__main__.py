"""`make bench`: measure, and write .settle-bench/results.md and results.json."""

import argparse
import importlib
import signal
import sys
from pathlib import Path

from tests.performance.bench.results import Result, write

BENCHMARKS = (
    *("generating", "limit", "growth", "sellers", "overhead", "closes", "webhooks", "batch"),
    *("views", "backtest", "cluster"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("benchmarks", nargs="*", help=f"any of {', '.join(BENCHMARKS)}")
    parser.add_argument("--scale", choices=("small", "medium", "full"), default="small")
    parser.add_argument("--out", type=Path, default=Path(".settle-bench"))
    chosen = parser.parse_args()
    # Killed, too, it leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if strange := set(chosen.benchmarks) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {', '.join(sorted(strange))}")
    results: list[Result] = []
    table = "nothing was measured"
    for name in chosen.benchmarks or BENCHMARKS:
        print(f"{name} ...", flush=True)
        for result in importlib.import_module(f"tests.performance.bench.{name}").run(chosen.scale):
            print(f"  {result.what}: {result.value:,.2f} {result.unit}", flush=True)
            results.append(result)
            table = write(chosen.out, results, chosen.scale)
    print(table)


if __name__ == "__main__":
    main()
