"""Policies tried on history, one after another, and what each would have saved and held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.backtest.grid import key_of
from orchestrator.backtest.models import SCHEMA, compile_models
from orchestrator.backtest.policy import Policy
from orchestrator.backtest.run import SQL, Run
from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, rows_of, sql_file
from orchestrator.dbt.builds import one_build
from orchestrator.dbt.standing_views import project_digest
from orchestrator.errors import SettleError
from orchestrator.project_variables import project_variables

# What no history can tell, said wherever figures are shown.
LIMITS = (
    "Sellers would have behaved differently: who is paid later may sell less, and who cheats"
    " adapts.",
    "What buyers would have disputed, had a row that was paid been held or the other way round, is"
    " not known.",
    "Each row that nothing holds counts as paid when it is due: people's releases, failed payouts"
    " and returns of the real weeks are left out. Wallets are checked, and wallets and sellers"
    " that people blocked or hold are so in every week, as they are today.",
    "Whom a flag put under a reserve policy, by the actions of review reasons, is under it from the"
    " same instants on, whomever the policy tried would have flagged.",
)


@dataclass(frozen=True)
class Report:
    """What a backtest measured: money as decimals in the settlement currency, shares 0 to 1.

    `totals` has a row per measure, `weeks` one per policy and window, `delays` one per week after
    an order.
    """

    tried: str
    against: str | None
    first: str
    last: str
    currency: str
    totals: Sequence[dict[str, Any]]
    weeks: Sequence[dict[str, Any]]
    delays: Sequence[dict[str, Any]]

    @property
    def immature(self) -> Sequence[str]:
        """The windows whose disputes are not known well enough to judge flags by."""
        return sorted({week["payout_window"] for week in self.weeks if not week["is_mature"]})

    @property
    def limits(self) -> Sequence[str]:
        """What these figures do not tell."""
        if not self.immature:
            return LIMITS
        count = len({week["payout_window"] for week in self.weeks})
        young = (
            f"{len(self.immature)} of {count} windows {'is' if len(self.immature) == 1 else 'are'}"
            f" immature, from {self.immature[0]} on: by the delays measured here, more disputes"
            " of their orders are still to come. Flags are judged without them, and losses on"
            " their orders are not complete."
        )
        return (*LIMITS, young)


def backtest(
    settings: Settings,
    tried: Policy,
    against: Policy,
    *,
    first: str | None = None,
    last: str | None = None,
) -> Report:
    """Run both policies over all history up to the close of `last`; report from `first` on.

    A policy that is the other but for its name is run once. Raises SettleError where a window has
    no stored close, or two policies share a name.
    """
    is_same = tried.model_copy(update={"policy": against.policy}) == against
    if tried.policy == against.policy and not is_same:
        raise SettleError(
            f"both policies are called {tried.policy}: name the one you try with its key policy"
        )
    policies = [tried] if is_same else [against, tried]
    with one_build(settings, SCHEMA):
        until = _until(settings, first, last)
        with connect(settings, Component.DBT) as connection:
            connection.execute("set role settle_dbt")
            connection.execute(_text("forget"))
        for policy in policies:
            models = compile_models(settings, policy)
            with connect(settings, Component.DBT) as connection:
                Run(connection, models).over(policy, until)
        return _report(settings, [policy.policy for policy in reversed(policies)], first, last)


def backtest_grid(
    settings: Settings,
    policies: Sequence[Policy],
    *,
    first: str | None = None,
    last: str | None = None,
) -> list[dict[str, Any]]:
    """Try each policy; a row per policy with its totals by measure, least losses first.

    One that was tried before is not tried again, as long as all policies, the project and the last
    close are the same: who was stopped goes on where it was.
    """
    with one_build(settings, SCHEMA):
        until = _until(settings, first, last)
        grid = key_of(policies, until, project_digest())
        with connect(settings, Component.DBT) as connection:
            connection.execute("set role settle_dbt")
            connection.execute(_text("begin_grid"))
            kept = {name for (name,) in connection.execute(_text("kept"), {"grid": grid})}
            if not kept:
                connection.execute(_text("forget"))
                connection.execute(_text("begin_grid"))
        for policy in policies:
            if policy.policy not in kept:
                models = compile_models(settings, policy)
                with connect(settings, Component.DBT) as connection:
                    Run(connection, models).over(policy, until, grid=grid)
    with connect(settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        chosen = {"against": None, "first": first, "last": last}
        found = []
        for policy in policies:
            totals = rows_of(database, "risk/backtest_totals", tried=policy.policy, **chosen)
            values = {row["measure"]: row["tried"] for row in totals}
            found.append({"policy": policy.policy, **values})
    return sorted(found, key=lambda row: (row["losses"], row["kept_money_days"]))


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
        totals = rows_of(database, "risk/backtest_totals", against=against, **chosen)
        delays = rows_of(database, "risk/backtest_delays")
    if not weeks:
        raise SettleError("no window has anything due in these weeks: there is nothing to measure")
    return Report(
        tried=tried,
        against=against,
        first=weeks[0]["payout_window"],
        last=weeks[-1]["payout_window"],
        currency=project_variables()["settlement_currency"],
        totals=totals,
        weeks=weeks,
        delays=delays,
    )


def _text(name: str) -> bytes:
    return sql_file(name, SQL).encode()
