"""Weekly partitions, one per payout window, keyed by the window's Monday."""

from datetime import UTC, datetime

import dagster as dg

from orchestrator.config import Settings
from orchestrator.project_variables import project_variables
from orchestrator.settlement.windows import partition_key

ONE_WEEK_DAYS = 7


def payout_windows(settings: Settings) -> dg.WeeklyPartitionsDefinition:
    """Mondays in the settlement zone; with SETTLE_NOW ahead of us, up to that instant."""
    ahead = 0
    if settings.now:
        lead = datetime.fromisoformat(settings.now).astimezone(UTC) - datetime.now(UTC)
        ahead = max(0, lead.days // ONE_WEEK_DAYS + 1)
    variables = project_variables()
    return dg.WeeklyPartitionsDefinition(
        start_date=partition_key(variables["first_window"]),
        timezone=variables["settlement_timezone"],
        day_offset=1,
        end_offset=ahead,
    )
