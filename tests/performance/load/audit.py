"""Known advisories of the locked packages, from the JSON pages of the configured package index.

    python tests/performance/load/audit.py requirements.lock

Exit 1 where a package has one, and where no advisory source answers: unknown is not clean.
"""

import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote, urlsplit

LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def main(lock: str) -> int:
    """Ask about each locked version; returns the exit code."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    index = asked.stdout.strip()
    root = index.rstrip("/").removesuffix("/simple")
    if urlsplit(root).scheme not in ("http", "https"):
        print("no advisory source is reachable: pip names no index of its own, nothing was audited")
        return 1
    found = 0
    for name, version in LOCKED.findall(Path(lock).read_text(encoding="utf-8")):
        page = f"{root}/pypi/{quote(name)}/{quote(version)}/json"
        try:
            with urllib.request.urlopen(page, timeout=10) as answer:  # noqa: S310 - checked above
                advisories = json.load(answer)["vulnerabilities"]
        except (OSError, ValueError, KeyError, urllib.error.URLError):
            print("no advisory source is reachable through pip's index: nothing was audited")
            return 1
        for advisory in advisories:
            fixed = ", ".join(advisory.get("fixed_in") or ()) or "no version yet"
            print(f"{name} {version}: {advisory['id']}, fixed in {fixed}")
            found += 1
    print(f"{found} advisories")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
