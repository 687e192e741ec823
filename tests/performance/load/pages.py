"""How long the pages take with 20 readers at once, on the data of SETTLE_HOME.

    SETTLE_HOME=DIR SETTLE_NOW=... python tests/performance/load/pages.py [SECONDS]

Prints a table: page, how often it was read, median and 95th percentile in milliseconds, as a reader
waits for them. Fill the home with `settle generate` and `settle close` first.
"""

import os
import random
import sys
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from statistics import median, quantiles

import httpx

from orchestrator.config import Component, load_settings
from orchestrator.database.connection import connect, rows
from orchestrator.database.people import add_person
from orchestrator.embedded_postgres.server import EmbeddedPostgres
from orchestrator.services.processes import service
from orchestrator.web.portal.links import DAY_S, link_secrets, make_token

READERS, DESK_READERS, READER = 20, 5, "load_reader"


def main(seconds: float) -> None:
    settings = load_settings()
    password = EmbeddedPostgres(settings.home).password(READER)
    with connect(settings, Component.ORCHESTRATOR) as database:
        sellers = [
            row["seller_id"] for row in rows(database, "select seller_id from marketplace.sellers")
        ]
        [latest] = rows(database, "select finance.latest_closed_window() as it")
        known = rows(database, "select 1 from pg_roles where rolname = %s", READER)
    if not known:
        add_person(settings, READER, password, "analyst")
    week = f"/desk/windows/{latest['it']}"
    secret = link_secrets(settings)[0]
    times: dict[str, list[float]] = defaultdict(list)
    with service(["serve", "--port", "0"], os.environ, Path(tempfile.mkdtemp()) / "log") as url:
        base = url.removesuffix("/webhooks/halfin")
        until = time.monotonic() + seconds

        def read(number: int) -> None:
            choose = random.Random(number)  # noqa: S311 - the same pages each time
            with httpx.Client(base_url=base, trust_env=False, timeout=60) as browser:
                # Sellers read their own pages; a few colleagues read the console.
                kind = "seller" if number >= DESK_READERS else "desk"
                form = {"name": READER, "password": password}
                if kind == "desk":
                    assert browser.post("/desk/login", data=form).status_code == 303
                while time.monotonic() < until:
                    seller = choose.choice(sellers)
                    token = make_token(seller, int(time.time()) + DAY_S, secret)
                    pages = {
                        "seller: statement": f"/s/{token}",
                        "seller: orders": f"/s/{token}/orders",
                        "seller: statement.json": f"/s/{token}/statement.json",
                        "desk: windows": "/desk",
                        "desk: a window": week,
                        "desk: a seller": f"/desk/sellers/{seller}",
                        "desk: find a seller": "/desk/sellers?q=harbor",
                        "desk: books": "/desk/books",
                    }
                    name = choose.choice([name for name in pages if name.startswith(kind)])
                    begun = time.monotonic()
                    answer = browser.get(pages[name])
                    times[name].append(1000 * (time.monotonic() - begun))
                    assert answer.status_code == 200, (name, answer.status_code)

        readers = [threading.Thread(target=read, args=[n]) for n in range(READERS)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
    print(f"| page | reads | median ms | 95 % ms |\n|---|--:|--:|--:|   ({READERS} readers)")
    for name, found in sorted(times.items()):
        p95 = quantiles(found, n=20)[-1] if len(found) > 1 else found[0]
        print(f"| {name} | {len(found)} | {median(found):.0f} | {p95:.0f} |")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
