"""Weekly partitions, one per payout window, keyed by the window's Monday."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from psycopg import sql

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows, sql_file
from orchestrator.errors import SettleError
from orchestrator.formatting.cells import visible
from orchestrator.project_variables import project_variables, source_table
from orchestrator.settlement.windows import partition_key, window_label, zone

ONE_WEEK_DAYS = 7
log = logging.getLogger(__name__)


def payout_windows(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """Mondays in the settlement zone; with SETTLE_NOW ahead of us, up to that instant."""
    ahead = 0
    if settings.now:
        lead = datetime.fromisoformat(settings.now).astimezone(UTC) - datetime.now(UTC)
        ahead = max(0, lead.days // ONE_WEEK_DAYS + 1)
    return dg.WeeklyPartitionsDefinition(
        start_date=partition_key(first_window(settings)),
        timezone=project_variables()["settlement_timezone"],
        day_offset=1,
        end_offset=ahead,
    )


def first_window(settings: Settings) -> str:
    """The window that the graph begins with: what dbt_project.yml says, else what the data does.

    Read when the graph is loaded, as Dagster's partitions begin where they began until it is loaded
    again. Where the database does not answer, the graph loads all the same, from the last window.
    """
    chosen = project_variables().get("first_window")
    if chosen:
        return str(chosen)
    query = sql.SQL(sql_file("first_window", Path(__file__).parent)).format(
        orders=sql.Identifier(*source_table("orders")), timezone=sql.Literal(zone().key)
    )
    try:
        with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
            [found] = rows(database, query.as_string(database))
    except SettleError as error:
        log.warning("the graph begins with the last window: %s", visible(str(error)))
        return window_label(
            (datetime.now(zone()) - timedelta(days=ONE_WEEK_DAYS)).date().isoformat()
        )
    return str(found["label"])
