"""Sellers' reserve policies: entered by one person, approved by another, alone or as a file."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.functions.market import CLOSE, LINES, Market
from tests.functions.payment_server import OWNER

ASSIGN = "select finance.assign_reserve_policy(%s, %s, 'risk asked for it')"
ASSIGN_FILE = "select finance.assign_reserve_policies(%s, 'risk asked for it')"
APPROVE = "select finance.approve_reserve_assignment(%s)"
APPROVE_FILE = "select finance.approve_reserve_assignments(%s)"
WITHDRAW = "select finance.withdraw_reserve_assignment(%s)"
WITHDRAW_FILE = "select finance.withdraw_reserve_assignments(%s)"
LATER = CLOSE + timedelta(hours=1)


@pytest.fixture
def market() -> Iterator[Market]:
    """A build has handed over two policies."""
    with Market.open() as market:
        market.at(CLOSE)
        market.build(*LINES)
        market.rows(
            OWNER,
            "insert into settlement_seeds.reserve_policies values"
            " ('standard', '1970-01-01Z', 7, 0, 0), ('elevated', '1970-01-01Z', 7, 0, 0),"
            " ('elevated', '2026-01-01Z', 7, 25, 30)",
        )
        market.hand_over()
        yield market


def rows(*pairs: tuple[str, str]) -> str:
    found = [{"line": n, "seller_id": s, "policy": p} for n, (s, p) in enumerate(pairs, start=2)]
    return json.dumps(found)


def assignments(market: Market, columns: str) -> list[tuple[Any, ...]]:
    query = f"select {columns} from finance.reserve_assignments order by assignment_id"
    return [tuple(row.values()) for row in market.rows("dora", query)]


def test_an_assignment_takes_two_people(market: Market) -> None:
    number = market.value("ana", ASSIGN, "s1", "elevated")
    assert market.refusal("ana", APPROVE, number) == (
        f"ana entered assignment {number}: somebody else must approve it"
    )
    market.at(LATER)
    market.rows("ben", APPROVE, number)
    columns = "seller_id, policy, assigned_by, assigned_at, approved_by, approved_at, file_id"
    assert assignments(market, columns) == [("s1", "elevated", "ana", CLOSE, "ben", LATER, None)]
    assert market.refusal("cem", APPROVE, number) == (
        f"assignment {number} was approved by ben before"
    )
    assert market.refusal("cem", WITHDRAW, number) == (
        f"assignment {number} is not open: see settle reserve list"
    )


def test_a_withdrawn_assignment_is_gone(market: Market) -> None:
    number = market.value("ana", ASSIGN, "s1", "elevated")
    market.rows("ben", WITHDRAW, number)
    assert market.refusal("cem", APPROVE, number) == (
        f"assignment {number} was withdrawn by ben: enter it again"
    )
    assert market.refusal("cem", APPROVE, 9) == "there is no assignment 9: see settle reserve list"


def test_seller_and_policy_must_be_known(market: Market) -> None:
    assert market.refusal("ana", ASSIGN, "nobody", "elevated") == (
        "seller nobody is not known: nothing was entered"
    )
    assert market.refusal("ana", ASSIGN, "s1", "strict") == (
        "policy: is unknown; the reserve policies valid now are elevated, standard"
    )
    market.rows(OWNER, "delete from handover.build")
    assert market.refusal("ana", ASSIGN, "s1", "elevated") == (
        "policy: nothing is built yet, so no policy is known; run: settle build"
    )


def test_a_policy_that_the_seed_no_longer_has_is_not_approved(market: Market) -> None:
    number = market.value("ana", ASSIGN, "s1", "elevated")
    market.rows(OWNER, "delete from settlement_seeds.reserve_policies where policy = 'elevated'")
    market.hand_over()
    assert market.refusal("ben", APPROVE, number) == (
        f"assignment {number} of seller s1: policy: is unknown; the reserve policies valid now are"
        " standard"
    )


def test_of_two_assignments_one_comes_first(market: Market) -> None:
    """An order at that instant would be under both."""
    first, second = (market.value("ana", ASSIGN, "s1", p) for p in ("elevated", "standard"))
    market.rows("ben", APPROVE, second)
    assert market.refusal("ben", APPROVE, first) == (
        f"assignment {first}: seller s1 is put under another policy at this very instant; approve"
        " it again"
    )
    market.at(LATER)
    market.rows("ben", APPROVE, first)
    assert assignments(market, "policy, approved_at") == [("elevated", LATER), ("standard", CLOSE)]
    with pytest.raises(psycopg.errors.UniqueViolation):
        market.rows(
            OWNER,
            "insert into finance.reserve_assignments (seller_id, policy, note, assigned_by,"
            " approved_by, approved_at) values ('s1', 'standard', 'x', 'x', 'y', %s)",
            LATER,
        )


def test_a_file_is_entered_and_approved_as_one_decision(market: Market) -> None:
    alone = market.value("ana", ASSIGN, "s2", "standard")
    number = market.value("ana", ASSIGN_FILE, rows(("s1", "elevated"), ("s10", "standard")))
    assert market.refusal("ana", APPROVE_FILE, number) == (
        f"ana entered assignment {alone + 1}: somebody else must approve it"
        f" (file {number}: nothing of it was approved)"
    )
    assert market.value("ben", APPROVE_FILE, number) == 2
    assert assignments(market, "seller_id, approved_by, file_id") == [
        ("s2", None, None),
        ("s1", "ben", number),
        ("s10", "ben", number),
    ]
    nothing = f"file {number} has no assignment that waits: see settle reserve list"
    assert market.refusal("ben", APPROVE_FILE, number) == nothing
    assert market.refusal("ben", WITHDRAW_FILE, number) == nothing
    market.at(LATER)
    other = market.value("ana", ASSIGN_FILE, rows(("s1", "standard")))
    assert other == number + 1
    assert market.value("ben", WITHDRAW_FILE, other) == 1


def test_of_a_file_one_may_be_withdrawn_and_one_obstacle_stops_the_rest(market: Market) -> None:
    number = market.value("ana", ASSIGN_FILE, rows(("s1", "elevated"), ("s10", "elevated")))
    other = market.value("cem", ASSIGN, "s10", "standard")
    market.rows("ben", APPROVE, other)
    [(first,), (second,), _] = assignments(market, "assignment_id")
    assert market.refusal("ben", APPROVE_FILE, number) == (
        f"assignment {second}: seller s10 is put under another policy at this very instant; approve"
        f" it again (file {number}: nothing of it was approved)"
    )
    assert assignments(market, "approved_by")[0] == (None,)
    market.rows("ben", WITHDRAW, second)
    assert market.value("ben", APPROVE_FILE, number) == 1
    assert assignments(market, "assignment_id, approved_by")[0] == (first, "ben")


def test_each_bad_row_of_a_file_is_named_and_nothing_is_stored(market: Market) -> None:
    bad = rows(
        ("s1", "elevated"), ("s1", "standard"), ("nobody", "elevated"), ("s2", "strict"), ("", "")
    )
    unknown = "policy: is unknown; the reserve policies valid now are elevated, standard"
    assert market.faults("ana", ASSIGN_FILE, bad) == [
        "line 3: seller_id: is on line 2 too; keep one of the two",
        "line 4: seller_id: no such seller is known; load the seller first, or fix the id",
        f"line 5: {unknown}",
        f"line 6: {unknown}",
        "line 6: seller_id: is empty; every row needs one",
    ]
    assert assignments(market, "seller_id") == []


def test_assignments_stay_as_they_were_decided(market: Market) -> None:
    market.value("ana", ASSIGN, "s1", "elevated")
    for change in (
        "update finance.reserve_assignments set policy = 'standard'",
        "update finance.reserve_assignments set seller_id = 's2'",
        "update finance.reserve_assignments set file_id = 7",
        "delete from finance.reserve_assignments",
    ):
        assert "finance.reserve_assignments" in market.refusal(OWNER, change)
