"""When the approval sensor asks for a payout, and what it says until then."""

import dagster as dg
import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect
from orchestrator.defs.assets import APPROVAL
from orchestrator.errors import SettleError
from orchestrator.services.run_job import run_job
from tests.dagster.ticks import KEY_OF_WINDOW, MONDAY, WEEK, Ticks, accepted, answer
from tests.support.closed_week import FINANCE, NOW, WINDOW
from tests.support.settings import at


def test_from_nothing_to_a_batch(approvals: Ticks) -> None:
    ticks = approvals
    assert ticks.said().startswith(f"window {WINDOW} is not approved: review it and approve digest")
    with pytest.raises(SettleError, match=rf"^window {WINDOW} is not approved"):
        run_job(ticks.settings, "pay", KEY_OF_WINDOW)  # the asset by hand
    with pytest.raises(
        SettleError,
        match=r"^no payout window begins on 2014-11-17: the first is 2026-W\d\d, that of",
    ):
        run_job(ticks.settings, "pay", "2014-11-17")
    [ready] = ticks.ask(
        "select min(seller_id) as seller from settlement.seller_settlement"
        f" where payout_window = '{WINDOW}' and status = 'ready'"
    )
    ticks.ask(f"select finance.hold_seller('{ready['seller']}', 'a look')", FINANCE)
    ticks.approve(FINANCE)
    assert ticks.said().endswith(f"a second approval is needed beside {FINANCE}")
    ticks.approve("ben")
    assert ticks.said(MONDAY) == f"window {WINDOW} is due at 2026-11-17 08:00 UTC"
    before = ticks.asked()
    assert before.startswith(f"{WINDOW}/approved/")

    ticks.ask(f"select finance.release_hold('{WINDOW}', '{ready['seller']}', 'seen')", FINANCE)
    assert "does not cover what is ready now" in ticks.said()
    ticks.approve(FINANCE, "ben")
    assert ticks.asked() != before

    ticks.ask("select finance.pause_payouts('a drill')", "ben")
    assert ticks.said().startswith("payouts are paused since 2026-11-17 08:00 UTC by ben (a drill)")
    for name in (FINANCE, "ben"):
        ticks.ask("select finance.resume_payouts('over')", name)

    [frozen] = ticks.ask(f"select finance.freeze_batch('{WINDOW}') as batch_id")
    batch = frozen["batch_id"]
    assert ticks.asked() == f"{WINDOW}/resume/{batch}/0"
    ticks.ask("select finance.pause_payouts('again')", "ben")
    assert ticks.said().startswith(f"batch {batch} of {WINDOW} is frozen; payouts are paused")
    for name in (FINANCE, "ben"):
        ticks.ask("select finance.resume_payouts('over')", name)
    answer(ticks, 0, was_sent=True)
    assert ticks.asked(NOW + WEEK) == f"{WINDOW}/resume/{batch}/0"  # unknown, and weeks go on
    for name in (FINANCE, "ben"):
        ticks.ask(f"select finance.declare_rejected('{WINDOW}', 'halfin has none')", name)
    assert ticks.said().startswith(f"batch {batch} of {WINDOW} was rejected")


def test_an_approval_shows_on_the_gate_with_its_names_once(approvals: Ticks) -> None:
    assert not approvals.tick(MONDAY).asset_events
    approvals.approve(FINANCE)
    [event] = approvals.tick(MONDAY).asset_events
    assert isinstance(event, dg.AssetMaterialization)
    assert (event.asset_key, event.partition) == (APPROVAL, KEY_OF_WINDOW)
    assert FINANCE in str(event.metadata["approvals"].value)
    assert not approvals.tick(MONDAY).asset_events


def test_a_rejected_batch_is_not_sent_again_under_the_same_approval(approvals: Ticks) -> None:
    approvals.approve(FINANCE, "ben")
    at(approvals.settings, NOW)
    approvals.ask(f"select finance.freeze_batch('{WINDOW}')")
    answer(
        approvals, 400, '{"error": {"code": "validation_error", "message": "no"}}', was_sent=True
    )
    assert "was rejected" in approvals.said()
    for name in (FINANCE, "ben"):
        approvals.ask(f"select finance.revoke_approval('{WINDOW}')", name)
    approvals.approve(FINANCE, "ben")
    assert approvals.asked().startswith(f"{WINDOW}/approved/")


def test_a_check_that_fails_is_named_until_two_people_accept_it(approvals: Ticks) -> None:
    with connect(approvals.settings, Component.OWNER) as owner:
        owner.execute(
            "update handover.window_checks set is_passed = false"
            " where payout_window = %s and check_name = 'unusual_total'",
            [WINDOW],
        )
    approvals.approve(FINANCE, "ben")
    assert approvals.said().startswith(f"check unusual_total of {WINDOW} failed (new in the window")
    for name in (FINANCE, "ben"):
        approvals.ask(f"select finance.accept_check('{WINDOW}', 'unusual_total', 'sale')", name)
    assert approvals.asked()


def test_an_accepted_batch_and_a_window_without_a_close(approvals: Ticks) -> None:
    accepted(approvals)
    assert approvals.said().endswith("already, which is accepted")
    assert approvals.said(NOW + WEEK) == "window 2026-W47 has no stored close"


def test_another_run_is_asked_for_after_its_own_approval(approvals: Ticks) -> None:
    [ready] = approvals.ask(
        "select min(seller_id) as seller from settlement.seller_settlement"
        f" where payout_window = '{WINDOW}' and status = 'ready'"
    )
    approvals.ask(f"select finance.hold_seller('{ready['seller']}', 'a look')", "ben")
    accepted(approvals)
    assert approvals.said().endswith("already, which is accepted")
    approvals.ask(f"select finance.release_hold('{WINDOW}', '{ready['seller']}', 'seen')", "ben")
    assert approvals.said().startswith(f"run 2 of {WINDOW} is not approved: review it and approve")
    approvals.approve(FINANCE, "ben")
    found = approvals.tick()
    [request], [event] = found.run_requests or [], found.asset_events
    assert (request.partition_key, event.description) == (
        KEY_OF_WINDOW,
        f"run 2 of {WINDOW} was approved.",
    )
    approvals.ask(f"select finance.freeze_batch('{WINDOW}')")
    assert approvals.asked() == f"{WINDOW}/resume/2/0"
