"""A failed check stops the payout until two people accept what they saw."""

from collections.abc import Iterator

import pytest

from tests.functions.market import WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due, fail_check

ACCEPT = "select finance.accept_check('2026-W47', %s, 'known to us')"


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def test_a_failed_check_stops_the_payout_until_two_people_accept_it(market: Market) -> None:
    fail_check(market)
    stands = (
        "check conservation of 2026-W47 failed (3 rows differ): mend it, or two people accept it"
        " ({} so far)"
    )
    assert market.obstacles() == [stands.format("nobody")]
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch(%s)", WINDOW) == (
        stands.format("nobody")
    )
    assert [market.value("ana", ACCEPT, "conservation") for _ in range(2)] == [1, 1]
    assert market.obstacles() == [stands.format("ana")]
    assert market.value("ben", ACCEPT, "conservation") == 2
    assert market.obstacles() == []
    # Other figures are another failure.
    fail_check(market, "4 rows differ")
    assert market.obstacles() == [stands.format("nobody").replace("3 rows", "4 rows")]


def test_a_check_is_accepted_as_it_was_seen(market: Market) -> None:
    """Both had the page open on which 3 rows differ; the next build found 4,000."""
    seen = "select finance.accept_seen_check('2026-W47', 'conservation', %s, 'known to us')"
    fail_check(market)
    assert market.value("ana", seen, "3 rows differ") == 1
    fail_check(market, "4000 rows differ")
    for person in ("ana", "ben"):
        assert market.refusal(person, seen, "3 rows differ") == (
            "check conservation of 2026-W47 fails otherwise now (4000 rows differ): nothing was"
            " accepted, look at it again"
        )
    assert len(market.obstacles()) == 1
    assert market.value("ben", seen, None) == 1


def test_a_check_that_does_not_stop_stops_nothing(market: Market) -> None:
    fail_check(market)
    market.rows(OWNER, "update handover.window_checks set is_blocking = false")
    assert market.obstacles() == []


def test_checks_that_were_not_computed_are_not_passed(market: Market) -> None:
    market.rows(OWNER, "truncate handover.window_checks")
    assert market.obstacles() == [
        "check not_computed of 2026-W47 failed (no check of this window was computed:"
        " run settle build): mend it, or two people accept it (nobody so far)"
    ]
    assert market.refusal("ana", ACCEPT, "not_computed").endswith("run settle build")
    assert market.refusal("ana", ACCEPT, "conservation") == (
        "check conservation does not fail for window 2026-W47: nothing to accept"
    )
