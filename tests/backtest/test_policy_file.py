"""The policy file: what is printed reads the same, and each fault is one line."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from orchestrator.backtest.grid import combinations
from orchestrator.backtest.live_policy import live_policy
from orchestrator.backtest.policy import Policy
from orchestrator.backtest.policy_file import read_policy, written
from orchestrator.config import Settings
from orchestrator.errors import SettleError
from tests.simulation.databases import copy_of
from tests.simulation.lab import lab


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    with copy_of(lab().home, lab().templates["UTC"]) as settings:
        yield settings


@pytest.fixture(scope="module")
def live(settings: Settings) -> Policy:
    return live_policy(settings)


def read(folder: Path, text: str, live: Policy) -> Policy:
    file = folder / "tried.yml"
    file.write_text(text, encoding="utf-8")
    return read_policy(file, live)


def test_the_live_policy_is_printed_as_it_is_read(tmp_path: Path, live: Policy) -> None:
    assert read(tmp_path, written(live), live) == live
    assert live.variables.review_dispute_rate == Decimal("0.03")
    assert [limit.amount for limit in live.limits] == [250_000, 10, 1, 5]


def test_what_a_file_leaves_out_is_as_live(tmp_path: Path, live: Policy) -> None:
    text = """
    variables: {review_score: 40}
    reserve_policies:
      - {policy: standard, reserve_days: 7}
      - {policy: standard, valid_from: 2026-03-01T00:00:00+01:00, reserve_days: 14}
    limits: [{name: minimum_line, rail: SPL, amount: 2.50}]
    review_actions:
      - {review_reason: spike, action: hold}
      - review_reason: spike
        valid_from: 2026-03-01T00:00:00Z
        action: pay
        policy: elevated
        lift_after_weeks: 4
    """

    tried = read(tmp_path, text, live)

    assert tried.policy == "tried"
    assert tried.variables == live.variables.model_copy(update={"review_score": Decimal(40)})
    rows = [(row.policy, row.valid_from, row.reserve_days) for row in tried.reserve_policies]
    always = datetime(1970, 1, 1, tzinfo=UTC)
    assert rows == [
        ("elevated", always, 7),
        ("new_seller", always, 14),
        ("standard", always, 7),
        ("standard", datetime(2026, 2, 28, 23, tzinfo=UTC), 14),
    ]
    assert [limit.amount for limit in tried.limits] == [250_000, 10, Decimal("2.50"), 5]
    actions = [(row.review_reason, row.valid_from, row.action) for row in tried.review_actions]
    assert actions == [
        ("disputes", always, "hold"),
        ("new_volume", always, "hold"),
        ("score", always, "hold"),
        ("spike", always, "hold"),
        ("spike", datetime(2026, 3, 1, tzinfo=UTC), "pay"),
    ]
    assert (live.pays_flagged_sellers, tried.pays_flagged_sellers) == (False, True)


FAULTS = {
    "variables: {review_dispute_rat: 0.05}": (
        "variables.review_dispute_rat is not known; did you mean review_dispute_rate?"
    ),
    "variable: {}": "variable is not known; did you mean variables?",
    "limits: [{name: maximum_line, amount: 1, currency: USD}]": (
        "limits[1].currency is not known; known are name, rail, amount"
    ),
    "variables: {review_score: many}": "variables.review_score: many is not a number",
    "variables: {review_score: .nan}": "variables.review_score: .nan is not a number",
    "variables: {health_spike_cap: true}": "variables.health_spike_cap: True is not a number",
    "variables: {review_score: 101}": (
        "variables.review_score: 101 should be less than or equal to 100"
    ),
    "variables: {review_spike_gross: 1.001}": (
        "variables.review_spike_gross: 1.001 Decimal input should have no more than 2 decimal"
        " places"
    ),
    "variables: {late_disputes: never}": (
        "variables.late_disputes: never should be 'absorb', 'until_window_close' or 'recover'"
    ),
    "variables: {health_dispute_weight: 0.50}": (
        "variables: the three health weights add up to 0.90; they must add up to 1"
    ),
    "reserve_policies: [{policy: standard, reserve_days: -1}]": (
        "reserve_policies[1].reserve_days: -1 should be greater than or equal to 0"
    ),
    "reserve_policies: [{policy: standard, reserve_days: 7.5}]": (
        "reserve_policies[1].reserve_days: 7.5 should be a valid integer"
    ),
    "reserve_policies: [{policy: standard}]": "reserve_policies[1].reserve_days is missing",
    """reserve_policies:
  - {policy: standard, reserve_days: 7}
  - {policy: standard, valid_from: 2026-06-01T00:00:00Z, reserve_days: 14}
  - {policy: standard, valid_from: 2026-03-01T00:00:00Z, reserve_days: 10}
""": (
        "reserve_policies: standard from 2026-03-01 comes after its version from 2026-06-01:"
        " a version never reaches back, so give it a later valid_from"
    ),
    "reserve_policies: [{policy: new, valid_from: 2026-03-01T00:00:00Z, reserve_days: 1}]": (
        "reserve_policies: the first version of new is valid from 2026-03-01: orders before it"
        " would have no policy; leave its valid_from out"
    ),
    "new_seller_policies: [{policy: none, days: 30}]": (
        "new_seller_policies: none is not a reserve policy; they are elevated, new_seller, standard"
    ),
    "new_seller_policies: [{policy: elevated, days: 0}, {policy: elevated, days: 30}]": (
        "new_seller_policies: the policy of new sellers from 1970-01-01 comes after its version"
        " from 1970-01-01: a version never reaches back, so give it a later valid_from"
    ),
    "review_actions: [{review_reason: disputes, action: wait}]": (
        "review_actions[1].action: wait should be 'hold' or 'pay'"
    ),
    "review_actions: [{review_reason: dispute, action: hold}]": (
        "review_actions[1].review_reason: dispute should be 'disputes', 'spike', 'new_volume' or"
        " 'score'"
    ),
    "review_actions: [{review_reason: spike, action: pay, policy: elevated}]": (
        "review_actions[1]: pay names a policy, and lift_after_weeks"
    ),
    "review_actions: [{review_reason: spike, action: hold, policy: elevated}]": (
        "review_actions[1]: hold has neither a policy nor lift_after_weeks"
    ),
    "review_actions: [{review_reason: spike, action: pay, policy: new, lift_after_weeks: 0}]": (
        "review_actions[1].lift_after_weeks: 0 should be greater than or equal to 1"
    ),
    "review_actions: [{review_reason: spike, action: pay, policy: none, lift_after_weeks: 2}]": (
        "review_actions: none is not a reserve policy; they are elevated, new_seller, standard"
    ),
    """review_actions:
  - {review_reason: spike, valid_from: 2026-06-01T00:00:00Z, action: hold}
  - {review_reason: spike, action: pay, policy: elevated, lift_after_weeks: 2}
""": (
        "review_actions: spike from 1970-01-01 comes after its version from 2026-06-01: a version"
        " never reaches back, so give it a later valid_from"
    ),
    "limits: [{name: minimum_line, amount: 5}]": (
        "limits: minimum_line names a rail, and maximum_line none"
    ),
    "variables: {}\nvariables: {}": "line 1: variables stands twice",
    "- one": "is not a policy; settle backtest --show prints one",
    "policy: [": "line 1: expected the node content, but found '<stream end>'",
}


@pytest.mark.parametrize("text", FAULTS)
def test_a_fault_is_one_line(tmp_path: Path, live: Policy, text: str) -> None:
    with pytest.raises(SettleError) as refused:
        read(tmp_path, text, live)

    assert str(refused.value) == f"{tmp_path / 'tried.yml'}: {FAULTS[text]}"


def test_every_fault_is_named(tmp_path: Path, live: Policy) -> None:
    with pytest.raises(SettleError) as refused:
        read(tmp_path, "variables: {review_score: x, review_scores: 1}\nlimit: []", live)

    assert str(refused.value) == f"{tmp_path / 'tried.yml'} has 3 faults"
    assert refused.value.detail.splitlines() == [
        "variables.review_score: x is not a number",
        "variables.review_scores is not known; did you mean review_score?",
        "limit is not known; did you mean limits?",
    ]


def test_a_missing_file_is_named(tmp_path: Path, live: Policy) -> None:
    with pytest.raises(SettleError, match=r"none\.yml: No such file or directory"):
        read_policy(tmp_path / "none.yml", live)


def test_a_grid_is_every_combination(live: Policy) -> None:
    found = combinations(live, ["standard.reserve_days=7,14", "health_dispute_cap=0.05,0.1"])

    assert [policy.policy for policy in found] == [
        "standard.reserve_days 7, health_dispute_cap 0.05",
        "standard.reserve_days 7, health_dispute_cap 0.1",
        "standard.reserve_days 14, health_dispute_cap 0.05",
        "standard.reserve_days 14, health_dispute_cap 0.1",
    ]
    [days] = [r.reserve_days for r in found[-1].reserve_policies if r.policy == "standard"]
    assert (days, found[-1].variables.health_dispute_cap) == (14, Decimal("0.1"))


@pytest.mark.parametrize(
    ("axes", "reason"),
    [
        (["review_score"], "--grid review_score: write it like"),
        (["review_scor=1"], "variables.review_scor is not known; did you mean review_score?"),
        (["review_score=1,x"], "variables.review_score: x is not a number"),
        (["none.reserve_days=1"], "there is no reserve policy none"),
        (["review_score=1", "review_score=2"], "--grid names review_score twice"),
        (["a=1", "b=1", "c=1"], "it varies two numbers at most"),
        (["a=" + ",".join("1" * 101)], "the grid has 101 combinations; 100 are the most"),
    ],
)
def test_a_bad_grid_is_one_line(live: Policy, axes: list[str], reason: str) -> None:
    with pytest.raises(SettleError) as refused:
        combinations(live, axes)

    assert reason in str(refused.value)
