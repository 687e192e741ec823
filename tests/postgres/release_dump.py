"""Write the database of a release, as test_upgrade.py loads it: run once, at the release.

    .venv/bin/python -m tests.postgres.release_dump

In it is what an upgrade meets at the worst moment: stored closes, a batch whose call had no answer,
an open break, an approval that was revoked, a person's hold.
"""

import json
import lzma
from importlib.metadata import version
from pathlib import Path

from orchestrator.config import Component
from orchestrator.database.connection import connect
from tests.cli.people import UNKNOWN, Desk, open_desk, ready_sellers
from tests.functions.batches.test_restore import run
from tests.support.closed_week import FINANCE, NOW, SECOND, WINDOW, end_copies
from tests.support.postgres import share_templates

RELEASES = Path(__file__).parent / "releases"


def desk_in_the_middle() -> Desk:
    desk = open_desk()
    desk.approve(SECOND)
    desk.done(SECOND, "revoke", WINDOW)
    desk.approve(FINANCE)
    held, *_ = ready_sellers(desk)
    desk.done(SECOND, "hold", held, "--note", "a question about the wallet")
    desk.freeze()
    desk.answered(*UNKNOWN)
    wrong, *_ = desk.payouts()
    event = {"event": "payout.completed", "data": {**wrong, "amount": "0.010000"}}
    body = json.dumps(event | {"created_at": NOW.isoformat()}).encode()
    insert = "insert into halfin.webhook_events (signature, body) values ('t', %s)"
    with connect(desk.settings, Component.WEBHOOK) as receiver:
        receiver.execute(insert, [body])
    return desk


if __name__ == "__main__":
    share_templates()
    url = desk_in_the_middle().settings.urls[Component.OWNER]
    file = RELEASES / f"{version('settle')}.dump.xz"
    dump = file.with_suffix("")
    run("pg_dump", "--format", "custom", "--compress", "0", "--file", str(dump), url)
    file.write_bytes(lzma.compress(dump.read_bytes(), preset=lzma.PRESET_EXTREME))
    dump.unlink()
    end_copies()
    print(f"{file}: {file.stat().st_size // 1000} kB")
