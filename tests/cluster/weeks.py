"""Weeks on a cluster as the graph lives them: build, close, approve, pay, outcomes."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as
from orchestrator.dbt.builds import AS_OF_SCHEMA, build_arguments
from orchestrator.dbt.runner import run_dbt
from orchestrator.demo.generate import Late, generate
from orchestrator.settlement.check_wallets import check_new_wallets
from orchestrator.settlement.close import store_closes
from orchestrator.settlement.pay import PayResult, pay_window
from orchestrator.settlement.reconcile import reconcile
from tests.cluster.nodes import PEOPLE, SECRET
from tests.functions.market import rail
from tests.halfin.sandbox import KEY
from tests.support.settings import at

# The ends of three windows, Sunday night, and their labels.
ENDS = [datetime(2026, 11, day, tzinfo=UTC) for day in (9, 16, 23)]
WINDOWS = ["2026-W45", "2026-W46", "2026-W47"]
LAG, DUE = timedelta(minutes=15), timedelta(days=1, hours=8)
# What must be the same on one server, row by row.
VIEWS = ("seller_settlement", "seller_health", "seller_reserve")


def fill(settings: Settings, late: Late | None = None) -> None:
    """The same marketplace wherever it is asked for, up to the last of the ends."""
    with connect(settings, Component.OWNER) as owner:
        generate(
            owner, sellers=40, weeks=6, orders_per_seller_week=3, seed=7, until=ENDS[-1], late=late
        )


def spread(settings: Settings) -> None:
    """What `settle db distribute` does where dbt_project.yml says so."""
    with connect(settings, Component.OWNER) as owner:
        owner.execute("set local role settle_owner")
        if owner.execute("select to_regprocedure('finance.distribute()')").fetchone() == (None,):
            pytest.skip("finance.distribute() is not there: nothing was tried on several nodes")
        owner.execute("select finance.distribute()")


def build(settings: Settings, *, full_refresh: bool = False, **variables: object) -> None:
    """A build of the live schemas without data tests, which take more than half of the time."""
    arguments = [*build_arguments(full_refresh=full_refresh), "--exclude-resource-type", "test"]
    run_dbt(settings, [*arguments, "--no-write-json", "--vars", json.dumps(variables)])


def build_back_then(
    settings: Settings, as_of: datetime, timezone: str, **variables: object
) -> None:
    """What `settle build --as-of` builds, without data tests, on a cluster too."""
    given = {"use_stored_closes": False, "settlement_timezone": timezone, **variables}
    place = ["--target", "asof", "--target-path", str(settings.home / "dbt" / "target-asof")]
    with connect(settings, Component.DBT) as dbt:
        dbt.execute("select finance.begin_build(%s, %s)", [AS_OF_SCHEMA, as_of])
    arguments = [*build_arguments(), "--exclude-resource-type", "test", *place]
    run_dbt(settings, [*arguments, "--vars", json.dumps(given)])


def close(settings: Settings, number: int, **variables: object) -> Settings:
    """The build and the close of the numbered window; the settings of that night."""
    settings = at(settings, ENDS[number] + LAG)
    check_new_wallets(settings)
    build(settings, **variables)
    store_closes(settings, WINDOWS[number])
    return settings


def approve(settings: Settings, window: str) -> None:
    """Two people, as the sum may be above what one may approve; they accept what is late, too."""
    for person in PEOPLE:
        with connect_as(settings, person, SECRET) as login:
            failed = login.execute("select check_name from finance.failed_checks(%s)", [window])
            for (check,) in failed.fetchall():
                login.execute("select finance.accept_check(%s, %s, 'known')", [window, check])
    for person in PEOPLE:
        with connect_as(settings, person, SECRET) as login:
            query = "select digest from finance.window_position(%s)"
            [digest] = login.execute(query, [window]).fetchone() or ("",)
            login.execute("select finance.approve(%s, %s)", [window, digest])


@contextmanager
def at_rail(settings: Settings) -> Iterator[Settings]:
    """With a rail that pays at once."""
    with rail() as url:
        yield replace(settings, halfin_base_url=url, halfin_api_key=KEY)


def pay(settings: Settings, window: str) -> PayResult:
    """The batch, and the outcome of each line by asking the rail."""
    result = pay_window(settings, window)
    reconcile(settings)
    return result


def live(settings: Settings, number: int, **variables: object) -> PayResult:
    """One whole week."""
    settings = close(settings, number, **variables)
    approve(settings, WINDOWS[number])
    with at_rail(at(settings, ENDS[number] + DUE)) as paying:
        return pay(paying, WINDOWS[number])


def rows_of_views(
    settings: Settings, schema: str = "settlement", views: Sequence[str] = VIEWS
) -> dict[str, list[Any]]:
    """Every row of public views as text, in one order."""
    with connect(settings, Component.OWNER) as owner:
        owner.execute("set local enable_nestloop = off")
        return {
            view: owner.execute(
                f'select t::text from {schema}.{view} as t order by t::text collate "C"'.encode()
            ).fetchall()
            for view in views
        }
