"""Flags that are paid, week by week, by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .facts import Assignment
from .flags import Flags
from .settings import NewSellers, PaidReason, Policy, Settings
from .windows import window_of

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
WEEK = timedelta(weeks=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
RULES = Settings(
    policies=(
        Policy(LONG_AGO, 7),
        Policy(LONG_AGO, 7, Decimal(25), 30, "elevated"),
        Policy(LONG_AGO, 14, Decimal(50), 10, "strict"),
        Policy(LONG_AGO, 14, Decimal(10), 30, "new_seller"),
    ),
    paid={"disputes": PaidReason("elevated", 2), "spike": PaidReason("strict", 1)},
)


def lived(
    *weeks: tuple[str, ...], people: tuple[Assignment, ...] = ()
) -> list[tuple[int, str | None]]:
    """The weeks whose closes changed the policy of a seller with these reasons, and to what."""
    flags, found = Flags(), []
    for number, reasons in enumerate(weeks):
        now = MONDAY + (number + 1) * WEEK
        window = window_of(now - WEEK, RULES.timezone)
        decided = [word for word in people if word.approved_at <= now]
        changes = flags.close(window, {"s1": reasons} if reasons else {}, decided, RULES, now)
        found += [(number, flag.policy) for flag in changes]
    return found


def test_reason_counts_for_its_weeks_and_is_lifted_then() -> None:
    """Two closes in a row without it: the second lifts."""
    assert lived(("disputes",), (), (), ()) == [(0, "elevated"), (2, None)]
    assert lived(("disputes",), (), ("disputes",), (), ()) == [(0, "elevated"), (4, None)]
    assert lived(("score",), ()) == []


def test_of_two_policies_the_one_counts_that_keeps_more() -> None:
    assert lived(("disputes", "spike"), (), ()) == [(0, "strict"), (1, "elevated"), (2, None)]


def test_people_come_first() -> None:
    """Under a policy of theirs flags change nothing; standard ends what was found until then."""
    strict = Assignment("s1", "strict", MONDAY + WEEK / 2)
    assert lived(("disputes",), (), people=(strict,)) == []
    standard = Assignment("s1", "standard", MONDAY + WEEK * 3 / 2)
    assert lived(("disputes",), (), (), people=(standard,)) == [(0, "elevated")]
    again = lived(("disputes",), ("disputes",), people=(standard,))
    assert again == [(0, "elevated"), (1, "elevated")]


def test_a_lifted_flag_leaves_what_holds_for_new_sellers() -> None:
    rules = replace(RULES, new_sellers=(NewSellers(LONG_AGO, "new_seller", 60),))
    flagged = Assignment("s1", "elevated", MONDAY, is_by_people=False)
    lifted = Assignment("s1", None, MONDAY + WEEK, is_by_people=False)

    def policy(at: datetime) -> str:
        return rules.policy(at, "s1", (flagged, lifted), MONDAY - WEEK).policy

    assert policy(MONDAY - timedelta(seconds=1)) == "new_seller"
    assert policy(MONDAY) == "elevated"
    assert policy(MONDAY + WEEK) == "new_seller"
