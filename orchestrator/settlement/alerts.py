"""Alerts leave the database for SETTLE_ALERT_URL, where one is set."""

import logging
from typing import Any

import httpx
import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.net import authorities, is_local

TIMEOUT_S = 10.0
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
    trust_env = not is_local(settings.alert_url)
    with httpx.Client(timeout=TIMEOUT_S, verify=authorities(), trust_env=trust_env) as http:
        for alert in waiting:
            document = {
                "alert_id": alert["alert_id"],
                "kind": alert["kind"],
                "subject": alert["subject"],
                "text": alert["message"],
                "raised_at": alert["raised_at"].isoformat(),
            }
            try:
                http.post(settings.alert_url, json=document).raise_for_status()
            except httpx.HTTPError as error:
                _log.warning("alert %s was not posted: %s", alert["alert_id"], type(error).__name__)
                if _is_about_this_one(error):
                    continue
                return
            database.execute("select finance.mark_posted(%s)", [alert["alert_id"]])
            database.commit()


def alert_changed_definitions(settings: Settings) -> int:
    """Tell somebody where definitions in force are not as they were applied; returns how many."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        [found] = rows(database, "select finance.alert_changed_definitions() as definitions")
        database.commit()
        if found["definitions"]:
            post_alerts(settings, database)
    return int(found["definitions"])


def _is_about_this_one(error: httpx.HTTPError) -> bool:
    """Whether the receiver is there and refuses what it was sent; else it would refuse the next."""
    return (
        isinstance(error, httpx.HTTPStatusError)
        and error.response.is_client_error
        and error.response.status_code not in (401, 403, 404, 408, 429)
    )
