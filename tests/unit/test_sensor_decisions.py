"""What the approval sensor decides, and when a failed run is asked for again: pure functions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from orchestrator.defs.approval_sensor import Batch, Standing, decide
from orchestrator.defs.backoff import FIRST_PAUSE, LONGEST_PAUSE, Tries

NOW = datetime(2026, 11, 17, 9, tzinfo=UTC)
READY = Standing("2026-W46", approval_id=3)
NEVER = Tries()


def asked(standing: Standing, tries: Tries = NEVER, now: datetime = NOW) -> str:
    answer = decide(standing, lambda _: tries, now)
    assert isinstance(answer, dg.RunRequest), answer
    assert answer.partition_key == "2026-11-09"
    return answer.run_key or ""


def said(standing: Standing, tries: Tries = NEVER, now: datetime = NOW) -> str:
    answer = decide(standing, lambda _: tries, now)
    assert isinstance(answer, dg.SkipReason), answer
    return answer.skip_message or ""


def test_nothing_in_the_way_asks_for_the_payout() -> None:
    assert asked(READY) == "2026-W46/approved/3/0"


def test_a_tick_says_everything_that_is_missing() -> None:
    waiting = replace(READY, obstacles=("not approved", "due at Tuesday"))
    assert said(waiting) == "not approved; due at Tuesday"


@pytest.mark.parametrize("state", ["frozen", "submitting", "unknown"])
def test_what_was_frozen_and_not_answered_is_resumed(state: str) -> None:
    """Whatever window is the latest by now, and whatever stands in its way."""
    later = Standing("2026-W47", ("not approved",), unfinished=(Batch(7, "2026-W46", state),))
    assert asked(later) == "2026-W46/resume/7/0"


def test_a_batch_that_fails_for_good_keeps_nobody_else_from_being_paid() -> None:
    """The rail has other bytes under its key, say: people decide it, and the weeks go on."""
    stuck = tuple(Batch(n, f"2026-W{40 + n}", "unknown") for n in (4, 5))
    later = replace(READY, unfinished=stuck)
    failed = Tries(2, NOW)

    def of(*windows: str) -> dg.RunRequest | dg.SkipReason:
        return decide(later, lambda window: failed if window in windows else NEVER, NOW)

    for windows, key in (
        ((), "2026-W44/resume/4/0"),
        (("2026-W44",), "2026-W45/resume/5/0"),
        (("2026-W44", "2026-W45"), "2026-W46/approved/3/0"),
    ):
        answer = of(*windows)
        assert isinstance(answer, dg.RunRequest)
        assert answer.run_key == key
    later = replace(later, obstacles=("not approved",))
    answer = of("2026-W44", "2026-W45")
    assert isinstance(answer, dg.SkipReason)
    assert str(answer.skip_message).startswith("batch 4 of 2026-W44 is unknown; 2 runs failed")
    assert str(answer.skip_message).endswith("not approved")
    # Of the latest window itself no other batch is frozen meanwhile.
    later = replace(READY, window="2026-W45", unfinished=stuck)
    assert isinstance(of("2026-W44", "2026-W45"), dg.SkipReason)
    later = replace(READY, unfinished=stuck)
    under_way = decide(later, lambda _: Tries(2, NOW - timedelta(days=1), "0123456789"), NOW)
    assert isinstance(under_way, dg.SkipReason)


def test_a_pause_stops_a_resumption_too() -> None:
    batch = Batch(7, "2026-W46", "unknown", "the rail did not answer")
    paused = replace(READY, unfinished=(batch,), pause="payouts are paused since then by ana (why)")
    assert said(paused) == (
        "batch 7 of 2026-W46 is unknown (the rail did not answer);"
        " payouts are paused since then by ana (why)"
    )


def test_what_the_rail_rejected_waits_for_people() -> None:
    rejected = replace(READY, rejected=Batch(7, "2026-W46", "rejected", "wrong address"))
    text = said(replace(rejected, obstacles=("digest changed",)))
    assert text.startswith("batch 7 of 2026-W46 was rejected: wrong address; nothing of it")
    assert text.endswith("approve again; digest changed")


def test_a_failed_run_is_asked_for_again_later_and_later() -> None:
    once = Tries(1, NOW)
    assert said(READY, once, NOW) == (
        "window 2026-W46 is approved and due;"
        " 1 runs failed, the last at 09:00 UTC: asked again at 09:05 UTC"
    )
    assert asked(READY, once, NOW + FIRST_PAUSE) == "2026-W46/approved/3/1"
    assert "asked again at 09:20" in said(READY, Tries(3, NOW), NOW + FIRST_PAUSE)
    assert asked(READY, Tries(40, NOW), NOW + LONGEST_PAUSE) == "2026-W46/approved/3/40"


def test_one_run_at_a_time() -> None:
    running = Tries(2, NOW - timedelta(days=1), "0123456789")
    assert said(READY, running) == "window 2026-W46 is approved and due; run 01234567 is under way"
