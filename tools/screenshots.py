"""Takes the pictures of README and docs again, from a generated week: `make screenshots`.

The browser tests generate the week, serve the graph, the console and a seller's page, and leave a
picture of each; those that a page shows are kept in docs/images. That of a backtest needs half a
year of its own.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tools import backtest_picture

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
TESTS = (
    "tests/e2e/test_browser.py",
    "tests/web/test_desk_browser.py",
    "tests/web/test_seller_browser.py",
)
SHOWN = ("graph", "close", "desk", "seller", "backtest")
LARGEST = 300_000


def main() -> int:
    with TemporaryDirectory() as folder:
        done = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "pytest", "-q", *TESTS],
            cwd=ROOT,
            env={**os.environ, "SETTLE_PICTURES": folder},
            check=False,
        )
        backtest_picture.take(Path(folder) / "backtest.png")
        missing = [name for name in SHOWN if not (Path(folder) / f"{name}.png").exists()]
        if done.returncode or missing:
            print(f"pictures are as they were: {missing or 'a page failed'}", file=sys.stderr)
            return 1
        for name in SHOWN:
            picture = Path(folder) / f"{name}.png"
            if picture.stat().st_size > LARGEST:
                print(f"{name}.png is larger than {LARGEST:,} bytes", file=sys.stderr)
                return 1
            shutil.copy(picture, IMAGES / picture.name)
            print(f"docs/images/{picture.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
