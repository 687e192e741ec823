"""Reserve policies of flagged sellers: a close puts them under one, lifts it, and tells them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.events.receiver import VALIDATOR, events
from tests.functions.market import CLOSE, LINES, NEXT_WINDOW, STORE, WEEK, WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR, OWNER

ASSIGN = "select finance.assign_reserve_policy('s1', %s, 'risk asked for it')"
APPROVE = "select finance.approve_reserve_assignment(%s)"
ASKS = "insert into settlement_core.int_flag_policies values (%s, %s, %s, %s)"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def market() -> Iterator[Market]:
    with Market.open() as market:
        market.rows(
            OWNER,
            "insert into settlement_seeds.reserve_policies values"
            " ('standard', '1970-01-01Z', 7, 0, 0), ('elevated', '1970-01-01Z', 7, 12.50, 30),"
            " ('strict', '1970-01-01Z', 14, 50, 60)",
        )
        yield market


def close(market: Market, weeks: int, *sellers: str, policy: str = "elevated") -> None:
    """Store a week in whose build disputes of these sellers asked for the policy."""
    market.at(CLOSE + weeks * WEEK)
    market.build(*LINES, weeks=weeks)
    market.rows(OWNER, "truncate settlement_core.int_flag_policies")
    for seller in sellers:
        market.rows(OWNER, ASKS, f"2026-W{47 + weeks}", seller, policy, ["disputes"])
    assert market.store(f"2026-W{47 + weeks}")


def decide(market: Market, policy: str) -> None:
    number = market.value("ana", ASSIGN, policy)
    market.rows("ben", APPROVE, number)


def flags(market: Market) -> list[tuple[Any, ...]]:
    found = market.rows(
        "dora",
        "select payout_window, seller_id, policy from finance.flag_assignments"
        " order by flag_assignment_id",
    )
    return [tuple(row.values()) for row in found]


def told(market: Market) -> list[dict[str, Any]]:
    """What sellers are told of policies; each as docs/events.schema.json has it."""
    found = [e["data"] for e in events(market) if e["event_type"] == "reserve.policy_changed"]
    for data in found:
        body = {"type": "reserve.policy_changed", "timestamp": "2026-11-23T00:15:00Z"}
        VALIDATOR.validate(body | {"data": data | {"sequence": 1}})
    return found


def test_a_close_assigns_and_lifts_once_and_tells(market: Market) -> None:
    close(market, 0, "s1", "s2")
    assert not market.value(ORCHESTRATOR, STORE, WINDOW)
    close(market, 1, "s1")
    close(market, 2)
    assert flags(market) == [
        (WINDOW, "s1", "elevated"),
        (WINDOW, "s2", "elevated"),
        (NEXT_WINDOW, "s2", None),
        ("2026-W49", "s1", None),
    ]
    first, _, _, last = told(market)
    assert first == {
        "seller_id": "s1",
        "cause": "review",
        "policy": "elevated",
        "terms": {"reserve_days": 7, "holdback_percent": 12.5, "holdback_days": 30},
        "applies_from": "2026-11-23T00:15:00Z",
        "message": "It applies to orders placed from now on. The money of an order is released 7"
        " days after it was placed; 12.5 % of it is held back for 30 days more. This ends by itself"
        " once our review finds nothing for a while.",
    }
    assert (last["cause"], last["policy"], last["terms"]) == ("review_ended", None, None)


def test_what_people_decide_comes_before_a_flag(market: Market) -> None:
    """Until they say standard: that ends a flag's policy too, and a later flag begins anew."""
    close(market, 0, "s1")
    decide(market, "strict")
    close(market, 1, "s1")
    market.at(CLOSE + WEEK + MINUTE)
    decide(market, "standard")
    close(market, 2)
    assert flags(market) == [(WINDOW, "s1", "elevated")]
    close(market, 3, "s1")
    assert flags(market) == [(WINDOW, "s1", "elevated"), ("2026-W50", "s1", "elevated")]
    listed = market.rows(
        "dora",
        "select state, policy, assigned_by from finance.reserve_decisions('s1')"
        " order by decision_rank",
    )
    assert [tuple(row.values()) for row in listed] == [
        ("current", "elevated", "the close of 2026-W50"),
        ("replaced", "standard", "ana"),
        ("replaced", "strict", "ana"),
        ("replaced", "elevated", f"the close of {WINDOW}"),
    ]
    causes = [(data["cause"], data["policy"]) for data in told(market)]
    assert causes == [
        ("review", "elevated"),
        ("decision", "strict"),
        ("decision", "standard"),
        ("review", "elevated"),
    ]


def test_what_was_decided_after_the_build_is_left_to_the_next_close(market: Market) -> None:
    """The build asked for a policy by what it knew; people have just said what they think of it."""
    market.at(CLOSE)
    market.build(*LINES)
    market.rows(OWNER, ASKS, WINDOW, "s1", "elevated", ["disputes"])
    market.hand_over()
    market.at(CLOSE + MINUTE)
    decide(market, "standard")
    assert market.value(ORCHESTRATOR, STORE, WINDOW)
    assert flags(market) == []


def test_another_policy_takes_the_place_of_the_first(market: Market) -> None:
    close(market, 0, "s1")
    close(market, 1, "s1", policy="strict")
    close(market, 2, "s1", policy="strict")
    assert flags(market) == [(WINDOW, "s1", "elevated"), (NEXT_WINDOW, "s1", "strict")]


def test_a_policy_that_nobody_knows_is_not_stored(market: Market) -> None:
    """Nobody could take the name out of what is append-only."""
    market.at(CLOSE)
    market.build(*LINES)
    market.rows(OWNER, ASKS, WINDOW, "s1", "severe", ["disputes"])
    assert market.refused_store() == (
        "the build puts seller s1 under the reserve policy severe, which seeds/reserve_policies.csv"
        f" does not have now: {WINDOW} was not stored; fix seeds/review_actions.csv and build again"
    )
    assert market.rows("dora", "select from finance.window_closes") == []


def test_what_a_close_decided_stays(market: Market) -> None:
    close(market, 0, "s1")
    for change in (
        "update finance.flag_assignments set policy = 'standard'",
        "delete from finance.flag_assignments",
    ):
        assert "finance.flag_assignments" in market.refusal(OWNER, change)
    for person in ("ana", ORCHESTRATOR):
        assert "permission denied" in market.refusal(
            person,
            "insert into finance.flag_assignments (payout_window, seller_id, policy,"
            " review_reasons, applies_from) values ('2026-W47', 's2', 'strict', '{score}', now())",
        )
