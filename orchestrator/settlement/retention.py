"""How long raw texts of the rail's are kept."""

from typing import Any

import psycopg

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows


def prune(settings: Settings) -> dict[str, int]:
    """Empty all raw texts older than SETTLE_RAW_TEXT_MONTHS; returns how many of each kind."""
    total: dict[str, int] = {}
    with connect(settings, Component.ORCHESTRATOR) as database:
        while any((found := prune_some(settings, database)).values()):
            database.commit()  # no long transaction, however much there is
            total = {what: total.get(what, 0) + count for what, count in found.items()}
    return total or found


def prune_some(settings: Settings, database: psycopg.Connection[Any]) -> dict[str, int]:
    """The same for the oldest of them."""
    query = "select * from finance.prune_raw_texts(%s)"
    return {row["what"]: row["pruned"] for row in rows(database, query, settings.raw_text_months)}
