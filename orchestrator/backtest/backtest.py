"""Policies tried on history, one after another, and what each would have saved and held."""

from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from orchestrator.backtest.both_cores import History, try_each, wait_for_second
from orchestrator.backtest.grid import combinations, key_of
from orchestrator.backtest.models import SCHEMAS
from orchestrator.backtest.policy import Policy
from orchestrator.backtest.report import GridReport, Report, Rows, exact_json, limits
from orchestrator.backtest.run import SQL
from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows_of, sql_file
from orchestrator.dbt.builds import one_build
from orchestrator.dbt.standing_views import project_digest
from orchestrator.errors import SettleError
from orchestrator.project_variables import project_variables


def backtest(
    settings: Settings,
    tried: Policy,
    against: Policy,
    *,
    first: str | None = None,
    last: str | None = None,
) -> Report:
    """Run both policies over all history up to the close of `last`; report from `first` on.

    A policy that is the other but for its name is run once. Marts and closes of the one tried stay
    in the first schemas. Raises SettleError where a window has no stored close, or two policies
    share a name.
    """
    is_same = tried.model_copy(update={"policy": against.policy}) == against
    if tried.policy == against.policy and not is_same:
        raise SettleError(
            f"both policies are called {tried.policy}: name the one you try with its key policy"
        )
    policies = [tried] if is_same else [tried, against]
    with one_build(settings, SCHEMAS[0]):
        history = History(settings, _until(settings, first, last))
        _begin(history)
        try_each(history, policies)
        names = [policy.policy for policy in policies]
        return keep(settings, _report(settings, names, first, last))


def backtest_grid(
    settings: Settings,
    base: Policy,
    axes: Sequence[str],
    *,
    first: str | None = None,
    last: str | None = None,
) -> GridReport:
    """Try each combination of the axes, which vary numbers of the base.

    One that was tried before is not tried again, as long as all policies, the project and the last
    close are the same: who was stopped goes on where it was. Raises SettleError for a wrong axis.
    """
    policies = combinations(base, axes)
    with one_build(settings, SCHEMAS[0]):
        until = _until(settings, first, last)
        history = History(settings, until, key_of(policies, until, project_digest()))
        kept = _begin(history)
        try_each(history, [policy for policy in policies if policy.policy not in kept])
        names = [policy.policy for policy in policies]
        return keep(settings, _grid_report(settings, base, axes, names, first, last))


def _begin(history: History) -> set[str]:
    """The names of this grid's policies whose measures are there; those of others are gone."""
    wait_for_second(history.settings)
    with connect(history.settings, Component.DBT) as connection:
        connection.execute("set role settle_dbt")
        connection.execute(_text("begin"))
        connection.execute(_text("forget"), {"grid": history.grid})
        return {name for (name,) in connection.execute(_text("kept"), {"grid": history.grid})}


Finished = TypeVar("Finished", Report, GridReport)


def keep(settings: Settings, report: Finished) -> Finished:
    """Store the report where the console lists it; returns it."""
    with connect(settings, Component.ORCHESTRATOR) as database:
        statement = "insert into finance.backtests (document) values (%s)"
        database.execute(statement, [Jsonb(report.document, dumps=exact_json)])
    return report


def _until(settings: Settings, first: str | None, last: str | None) -> datetime:
    """The instant of the last close; both windows must have been closed."""
    until = close_instant(settings, last)
    if first and close_instant(settings, first) > until:
        raise SettleError(f"{first} comes after {last}: --from is the earlier of the two")
    return until


def close_instant(settings: Settings, window: str | None = None) -> datetime:
    """The instant of a stored close, or of the latest one."""
    lag = project_variables()["close_lag_minutes"]
    with connect(settings, Component.DBT) as connection:
        parameters = {"window": window, "close_lag_minutes": lag}
        row = connection.execute(_text("until"), parameters).fetchone()
    if row is None:
        raise SettleError(
            f"window {window} has no stored close: a backtest goes over closed windows"
            if window
            else "no window is closed yet, so there is no history to try a policy on"
        )
    instant: datetime = row[0]
    return instant


def _report(
    settings: Settings, names: Sequence[str], first: str | None, last: str | None
) -> Report:
    tried, against = names[0], names[1] if len(names) > 1 else None
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        chosen = {"tried": tried, "first": first, "last": last}
        weeks = rows_of(database, "risk/backtest_weeks", **chosen)
        return Report(
            tried=tried,
            against=against,
            totals=rows_of(database, "risk/backtest_totals", against=against, **chosen),
            weeks=weeks,
            **_said(database, weeks),
        )


def _grid_report(
    settings: Settings,
    base: Policy,
    axes: Sequence[str],
    names: Sequence[str],
    first: str | None,
    last: str | None,
) -> GridReport:
    chosen = {"first": first, "last": last}
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        weeks = rows_of(database, "risk/backtest_weeks", tried=names[0], **chosen)
        totals = [
            {
                "policy": name,
                "totals": rows_of(
                    database, "risk/backtest_totals", tried=name, against=None, **chosen
                ),
            }
            for name in names
        ]
        ordered = rows_of(database, "risk/grid_frontier", totals=exact_json(totals))
        return GridReport(
            tried=base.policy,
            axes=axes,
            policies=[row["measured"] for row in ordered],
            **_said(database, weeks),
        )


def _said(database: Connection[TupleRow], weeks: Rows) -> dict[str, Any]:
    """What every report says of the weeks it is about."""
    if not weeks:
        raise SettleError("no window has anything due in these weeks: there is nothing to measure")
    windows = sorted(weeks, key=itemgetter("window_ends_at"))
    return {
        "first": windows[0]["payout_window"],
        "last": windows[-1]["payout_window"],
        "currency": project_variables()["settlement_currency"],
        "delays": rows_of(database, "risk/backtest_delays"),
        "limits": limits(weeks),
    }


def _text(name: str) -> bytes:
    return sql_file(name, SQL).encode()
