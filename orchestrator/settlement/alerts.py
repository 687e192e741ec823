"""Alerts leave the database for SETTLE_ALERT_URL, where one is set."""

import json
import logging
import time
from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.network.outgoing import Outgoing

TIMEOUT_S = 10.0  # of one, whatever the receiver answers
LONGEST_S = 60.0  # of all of them: payouts and closes end with this
_log = logging.getLogger(__name__)


def post_alerts(settings: Settings, database: psycopg.Connection[Any]) -> None:
    """Post what was not posted yet, oldest first, as JSON; each arrives at least once.

    Never raises for the receiver's sake: what it does not take stays and is tried at the next run.
    One alert that it refuses does not keep back those behind it.
    """
    if not settings.alert_url or database.closed:
        return
    database.rollback()
    waiting = rows(database, "select * from finance.unposted_alerts()")
    database.commit()
    ends_at = time.monotonic() + LONGEST_S
    with Outgoing(settings.alert_url, TIMEOUT_S) as receiver:
        for alert in waiting:
            document = {
                "alert_id": alert["alert_id"],
                "kind": alert["kind"],
                "subject": alert["subject"],
                "text": alert["message"],
                "raised_at": alert["raised_at"].isoformat(),
            }
            problem = receiver.post(json.dumps(document).encode())
            if problem:
                _log.warning("alert %s was not posted: %s", alert["alert_id"], problem.text)
            else:
                database.execute("select finance.mark_posted(%s)", [alert["alert_id"]])
                database.commit()
            if (problem and not problem.is_about_this_one) or time.monotonic() > ends_at:
                return


def alert_changed_definitions(settings: Settings) -> int:
    """Tell somebody where definitions in force are not as they were applied; returns how many."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        [found] = rows(database, "select finance.alert_changed_definitions() as definitions")
        database.commit()
        if found["definitions"]:
            post_alerts(settings, database)
    return int(found["definitions"])
