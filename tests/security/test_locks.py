"""No login stops the others by a lock."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from orchestrator.config import Component, Settings
from orchestrator.database.connection import connect, connect_as, database_url
from orchestrator.database.migrate import prepare_database
from orchestrator.database.people import add_person
from orchestrator.dbt.builds import one_build
from orchestrator.errors import SettleError
from orchestrator.loading.load import load_directory
from orchestrator.settlement import pay
from orchestrator.settlement.pay import TURN_S
from tests.functions.market import WINDOW, Market, books, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import LINE, RECEIVE, payout

PASSWORD = "not easy to guess"  # noqa: S105 - of a server that is gone in a minute
OLD = ("settle.close", "settle.migrate", "settle.build.settlement", "settle.pay.2026-W46")


def test_an_advisory_lock_of_any_login_stops_nobody(settings: Settings) -> None:
    """A login of the portal held our advisory locks, and nobody approved, closed or looked.

    Where no administrator has closed them to all, it still can.
    """
    add_person(settings, "ana", PASSWORD, "finance")
    with psycopg.connect(database_url(settings, Component.OWNER)) as other:
        for name in OLD:
            other.execute("select pg_advisory_lock(hashtext(%s))", [name])
        prepare_database(settings)
        with one_build(settings), connect_as(settings, "ana", PASSWORD) as ana:
            ana.execute("set statement_timeout = '10s'")
            ana.execute("select finance.pause_payouts('n')")


def test_nor_does_it_stop_a_load(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "sellers.csv").write_text(
        "seller_id,display_name,region,fast_settlement,wallet_address,status,created_at,updated_at\n"
        "s1,Shop,EU,false,w,active,2026-01-01T00:00:00Z,2026-01-01T00:00:00Z\n"
    )
    with psycopg.connect(database_url(settings, Component.OWNER)) as other:
        other.execute("select pg_advisory_lock(hashtextextended('settle load', 0))")
        with connect(settings, Component.OWNER) as owner:
            owner.execute("set statement_timeout = '10s'")
            assert load_directory(owner, tmp_path).tables["sellers"].inserted == 1


PAY = "select hashtextextended('settle pay ' || %s, 0)"


def test_nor_does_it_stop_a_payout() -> None:
    with Market.open() as market, rail() as url, ThreadPoolExecutor(1) as pool:
        market.approved()
        key = market.value(OWNER, PAY, WINDOW)
        with market.connect(OWNER) as other:
            for kind in ("", "_shared"):
                other.execute(f"select pg_advisory_lock{kind}(%s)".encode(), [key])
            # Whoever waits for that lock goes on when this connection is closed.
            assert pool.submit(market.pay, url).result(timeout=60).state == "accepted"


def test_what_a_login_leaves_open_is_told_and_the_payout_goes_on_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A webhook that was inserted and never committed: the payout of its line hung with it."""
    monkeypatch.setattr(pay, "LOCK_TIMEOUT", "500ms")
    with Market.open() as market, rail() as url:
        market.approved(LINE)
        market.freeze()
        event = {"event": "payout.completed", "data": payout(market) | {"amount": "1.00"}}
        with market.connect(WEBHOOK, autocommit=False) as webhook:
            webhook.execute(RECEIVE.encode(), [json.dumps(event).encode()])
            with pytest.raises(SettleError, match="somebody else holds what this needs"):
                market.pay(url)
            webhook.rollback()
        assert market.pay(url).state == "accepted"
        assert (books(url)["batches"], books(url)["payouts"]) == (1, 1)


def test_a_pause_waits_for_nobody() -> None:
    """Whoever holds the lock of decisions holds up those, and no pause."""
    with Market.open() as market, market.connect(ORCHESTRATOR, autocommit=False) as holder:
        holder.execute("select finance.hold_lock('decisions')")
        with market.connect("ana") as ana:
            ana.execute("set lock_timeout = '500ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                ana.execute("select finance.block_wallet(%s, 'n')", [LINE.wallet])
            ana.execute("select finance.pause_payouts('n')")


def test_two_payouts_of_a_window_wait_for_each_other() -> None:
    with Market.open() as market, rail() as url, ThreadPoolExecutor(1) as pool:
        market.approved()
        with market.connect(ORCHESTRATOR) as first:
            take = "select finance.take_turn(%s) as is_ours"
            assert first.execute(take.encode(), [WINDOW]).fetchall() == [{"is_ours": True}]
            second = pool.submit(market.pay, url)
            time.sleep(3 * TURN_S)
            assert (market.value(ORCHESTRATOR, take, WINDOW), market.state()) == (False, [])
            assert market.value(ORCHESTRATOR, take, "2026-W48") is True
            assert not second.done()
        assert second.result(timeout=60).state == "accepted"


@pytest.mark.parametrize("component", [Component.DBT, Component.WEBHOOK, Component.PORTAL])
def test_our_locks_are_held_by_who_works(settings: Settings, component: Component) -> None:
    """The rows that stand for a lock are the owner's, and so is the function that holds them."""
    for query in (
        "select finance.hold_lock('decisions')",
        "select from finance.locks for update",
    ):
        with (
            psycopg.connect(database_url(settings, component)) as other,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            other.execute(query.encode())


def test_two_builds_wait_for_each_other(settings: Settings) -> None:
    order: list[str] = []

    def second() -> None:
        with one_build(settings):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with one_build(settings), connect(settings, Component.OWNER, autocommit=True) as owner:
            waiting = pool.submit(second)
            asked = "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
            while owner.execute(asked).fetchone() != (1,):
                assert not waiting.done()
            order.append("first")
        waiting.result()
    assert order == ["first", "second"]
