"""Store closes: what happens after the build, in the database, one window after another."""

from dataclasses import dataclass

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows
from orchestrator.dbt.builds import one_build
from orchestrator.project_variables import project_variables
from orchestrator.settlement.alerts import post_alerts

PENDING = """
select w.payout_window
from handover.windows as w
where w.window_starts_at <= (
    select t.window_starts_at from handover.windows as t where t.payout_window = %(window)s
)
and not exists (
    select from finance.window_closes as c where c.payout_window = w.payout_window
)
order by w.window_starts_at
"""


@dataclass(frozen=True)
class CloseResult:
    """The windows this run stored, oldest first; empty when all were stored before."""

    stored: tuple[str, ...]


def store_closes(settings: Settings, window: str) -> CloseResult:
    """Store the window and every earlier one that has no close, all or nothing.

    Raises SettleError for a window that is open, unknown or older than the latest stored one.
    """
    # Not while the next build replaces what this one computed.
    with one_build(settings), connect(settings, Component.ORCHESTRATOR) as database:
        # What this build contradicts of the closes before it is told, whatever else happens.
        database.execute("select finance.alert_contradictions()")
        database.commit()
        pending = [row[0] for row in database.execute(PENDING, {"window": window})]
        stored = [
            name
            for name in (pending or [window])
            if rows(database, "select finance.store_close(%s) as is_new", name)[0]["is_new"]
        ]
        database.commit()
        post_alerts(settings, database)
    return CloseResult(tuple(stored))


def latest_closed(settings: Settings, *, grace_minutes: int = 0) -> str:
    """The window that ended last, by the clock, whether its close is stored or not.

    `grace_minutes` leaves out one whose close fell due less than that long ago.
    """
    variables = project_variables()
    with connect(settings, Component.ORCHESTRATOR) as database:
        [row] = rows(
            database,
            "select finance.window_label(finance.window_starts_at("
            "settle_now() - make_interval(mins => %s), %s) - interval '1 day', %s) as label",
            variables["close_lag_minutes"] + grace_minutes,
            variables["settlement_timezone"],
            variables["settlement_timezone"],
        )
    return str(row["label"])
