"""A window is paid in runs, each under an approval of its own."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.functions.market import (
    CURRENCIES,
    DUE,
    LINES,
    WEEK,
    WINDOW,
    Line,
    Market,
    books,
    expected_digest,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due

HELD = Line("s3", 50_000, "ERC-20", holds=("manual_review",))
ALSO_HELD = Line("s4", 70_000, "SPL", holds=("manual_review",))
RELEASE = "select finance.release_hold('2026-W47', %s, 'known to us')"
WITHDRAW = "select finance.withdraw_batch('2026-W47', 'not now')"
REVOKE = "select finance.revoke_approval('2026-W47')"
APPROVE = "select finance.approve('2026-W47', %s)"
RUN = "select run from finance.payable('2026-W47')"
COPY = (
    "insert into finance.payout_batches overriding system value select c.*"
    " from finance.payout_batches as b cross join lateral"
    " jsonb_populate_record(null::finance.payout_batches, to_jsonb(b) || %s::jsonb) as c"
    " where b.batch_id = 1"
)


@pytest.fixture
def market() -> Iterator[Market]:
    """A window whose first run is approved and due; two of its sellers are held."""
    with due(*LINES, HELD, ALSO_HELD) as market:
        yield market


@pytest.fixture
def paid(market: Market) -> Iterator[tuple[Market, str]]:
    """Its first run is at the rail, and the first held seller is released."""
    with rail(auto_approve=False) as url:
        market.pay(url)
        market.rows("cem", RELEASE, "s3")
        yield market, url


def batches(market: Market) -> list[tuple[int, int, str]]:
    query = "select run, attempt, state from finance.payout_batches order by batch_id"
    return [tuple(row.values()) for row in market.rows("dora", query)]


def test_what_is_released_after_the_first_run_is_a_run_of_its_own(
    paid: tuple[Market, str],
) -> None:
    market, url = paid
    assert market.digest() == expected_digest(HELD, run=2)
    found = market.rows(
        "dora", "select run, line_count, total_minor from finance.payable(%s)", WINDOW
    )
    assert found == [{"run": 2, "line_count": 1, "total_minor": HELD.net_minor}]
    assert market.obstacles() == [
        f"run 2 of 2026-W47 is not approved: review it and approve digest {market.digest()}"
    ]
    market.approve("ana")
    assert market.obstacles() == []
    market.pay(url)
    assert batches(market) == [(1, 1, "accepted"), (2, 2, "accepted")]
    assert (books(url)["batches"], books(url)["payouts"]) == (2, len(LINES) + 1)
    # The first run stays as it was frozen.
    [first, second] = market.rows("dora", "select * from finance.payout_batches order by run")
    assert (first["digest"], first["line_count"]) == (expected_digest(*LINES), len(LINES))
    assert (second["digest"], second["line_count"]) == (expected_digest(HELD, run=2), 1)
    assert market.obstacles() == ["run 2 of 2026-W47 is in batch 2 already, which is accepted"]


def test_keys_of_calls_name_the_run_those_of_lines_do_not(paid: tuple[Market, str]) -> None:
    market, url = paid
    market.approve("ana")
    market.pay(url)
    [installation] = market.rows("dora", "select installation_id from finance.installation")
    key = f"settle/{installation['installation_id']}/{WINDOW}"
    keys = market.rows("dora", "select idempotency_key from finance.payout_calls order by batch_id")
    assert [row["idempotency_key"] for row in keys] == [f"{key}/run-1/1", f"{key}/run-2/2"]
    [line] = market.lines("idempotency_key", "seller_id = 's3'")
    assert line[0].startswith(f"{key}/")
    assert "run" not in line[0]


def test_an_approval_of_the_first_run_pays_no_other(market: Market) -> None:
    """Ben approves s3 with the others, s3 is held before the freeze and released after it."""
    market.rows("cem", RELEASE, "s3")
    market.approve("ana", "ben")
    market.rows("cem", "select finance.hold_seller('s3', 'a call came in')")
    with rail(auto_approve=False) as url:
        market.pay(url)
        market.rows("cem", RELEASE, "s3")
        assert market.obstacles() == [
            "run 2 of 2026-W47 is not approved: review it and approve digest"
            f" {expected_digest(HELD, run=2)}"
        ]
        assert (
            market.value("dora", "select count(*) from finance.covering_approvals(%s)", WINDOW) == 0
        )
        said = market.refusal(ORCHESTRATOR, "select finance.freeze_batch(%s)", WINDOW)
        assert said == market.obstacles()[0]
        assert books(url)["payouts"] == len(LINES)
    # Not even by the owner's hand.
    copy = '{"batch_id": 2, "run": 2, "attempt": 2, "state": "frozen"}'
    market.rows(OWNER, COPY, copy)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        market.rows(OWNER, "insert into finance.batch_approvals values (2, 1, '2026-W47', 2)")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        market.rows(OWNER, "insert into finance.batch_approvals values (2, 1, '2026-W47', 1)")


def test_the_digest_of_the_first_run_approves_no_other(paid: tuple[Market, str]) -> None:
    market, _ = paid
    for digest in (expected_digest(*LINES), expected_digest(HELD), expected_digest(*LINES, HELD)):
        said = market.refusal("ana", APPROVE, digest)
        assert said.startswith("the digest of run 2 of 2026-W47 is now"), said


def test_the_limit_for_one_person_counts_all_runs(paid: tuple[Market, str]) -> None:
    market, url = paid
    first = sum(line.net_minor for line in LINES)
    propose = "select finance.propose_policy('dual_approval_above', '', %s, 'less risk')"
    confirm = "select finance.confirm_policy(%s)"
    # Each run alone is below it; both together are a cent above it.
    number = market.value("ana", propose, first + HELD.net_minor - 1)
    market.rows("ben", confirm, number)
    market.approve("ana")
    [said] = market.obstacles()
    assert said == (
        "500.00 and the 1123.52 of earlier runs is above the limit for one person:"
        " a second approval is needed beside ana"
    )
    assert market.refusal(ORCHESTRATOR, "select finance.freeze_batch(%s)", WINDOW) == said
    number = market.value("ana", propose, first + HELD.net_minor)
    market.rows("ben", confirm, number)
    assert market.obstacles() == []
    market.rows("ben", confirm, market.value("ana", propose, 1))
    market.approve("ben")
    market.pay(url)
    assert batches(market)[1] == (2, 2, "accepted")


def test_who_released_a_seller_is_not_the_only_approver_of_its_run(
    paid: tuple[Market, str],
) -> None:
    market, _ = paid
    market.approve("cem")
    assert market.obstacles() == [
        "cem released a held seller of 2026-W47 and is its only approver: somebody else must"
        " approve too"
    ]
    market.approve("ana")
    assert market.obstacles() == []


def test_a_second_run_of_sellers_whom_others_released_asks_nothing(market: Market) -> None:
    """Cem released s3 into the first run; in the second, of s4, he may approve alone."""
    market.rows("cem", RELEASE, "s3")
    market.approve("ana")
    with rail(auto_approve=False) as url:
        market.pay(url)
        market.rows("ben", RELEASE, "s4")
        market.approve("cem")
        assert market.obstacles() == []
        market.pay(url)
    assert batches(market) == [(1, 1, "accepted"), (2, 2, "accepted")]


def test_a_withdrawn_run_spends_its_own_approvals_only(paid: tuple[Market, str]) -> None:
    market, url = paid
    market.approve("ana", "ben")
    market.freeze()
    assert market.value("cem", WITHDRAW) == 1
    approvals = "select run, approved_by, revoked_at is null as is_current from finance.approvals"
    assert [tuple(row.values()) for row in market.rows("dora", f"{approvals} order by 1, 2")] == [
        (1, "ana", True),
        (2, "ana", False),
        (2, "ben", False),
    ]
    assert market.digest() == expected_digest(HELD, run=2)
    market.approve("ben")
    market.pay(url)
    assert batches(market) == [(1, 1, "accepted"), (2, 2, "rejected"), (2, 3, "accepted")]
    assert books(url)["payouts"] == len(LINES) + 1


def test_a_run_waits_until_the_one_before_is_accepted(market: Market) -> None:
    market.freeze()
    market.rows("cem", RELEASE, "s3")
    assert market.digest() == expected_digest(*LINES)
    assert market.value("dora", RUN) == 1
    assert market.freeze() == 1
    assert market.refusal("ana", APPROVE, expected_digest(HELD, run=2)) == (
        "window 2026-W47 is frozen already: nothing is left to approve"
    )
    said = market.refusal(OWNER, COPY, '{"batch_id": 2, "run": 2, "attempt": 2}')
    assert said == "run 2 of 2026-W47 cannot be frozen: run 1 is not accepted"
    said = market.refusal(OWNER, COPY, '{"batch_id": 2, "attempt": 2}')
    assert "payout_batches_one_per_run" in said


def test_without_a_ready_row_the_last_run_stays_current(market: Market) -> None:
    with rail(auto_approve=False) as url:
        market.pay(url)
        assert market.value("dora", RUN) == 1
        assert market.digest() == expected_digest(*LINES)
        result = market.pay(url)
        assert (result.batch_id, result.is_new) == (1, False)
        assert market.refusal("ana", REVOKE) == (
            "window 2026-W47 is frozen already: an approval can no longer be revoked"
        )
        # An approval of a run that has nothing ready any more can be taken back.
        market.rows("cem", RELEASE, "s3")
        market.approve("ana")
        market.rows("ben", "select finance.hold_seller('s3', 'a look')")
        assert market.value("dora", RUN) == 1
        assert market.value("ana", REVOKE) is True


def test_a_window_that_is_not_the_latest_has_no_other_run(paid: tuple[Market, str]) -> None:
    market, _ = paid
    market.approve("ana")
    market.at(DUE + WEEK)
    assert market.value("dora", RUN) == 1
    assert market.freeze() == 1
    assert market.refusal("ana", APPROVE, expected_digest(HELD, run=2)).startswith(
        "window 2026-W47 is not the latest closed one"
    )
    with pytest.raises(psycopg.errors.RaiseException):
        market.rows("cem", RELEASE, "s4")


def test_what_is_taken_back_of_an_accepted_batch_is_ready_for_another_run(market: Market) -> None:
    """Two calls of three are sent, the third is withdrawn: its seller can be paid in run 2."""
    with rail(auto_approve=False) as url:
        batch = market.value(ORCHESTRATOR, "select finance.freeze_batch(%s, 1)", WINDOW)
        market.rows("ben", "select finance.hold_seller('s2', 'a look')")
        with pytest.raises(Exception, match="seller s2 is held"):
            market.pay(url, halfin_max_lines_per_call=1)
        assert market.value("ana", WITHDRAW) == 1
        assert batches(market) == [(1, 1, "accepted")]
        market.rows("cem", RELEASE, "s2")
        assert market.digest() == expected_digest(LINES[2], run=2)
        market.approve("ana")
        market.pay(url)
        assert books(url)["payouts"] == len(LINES)
    assert market.lines("batch_id, state", "seller_id = 's2'") == [
        (batch, "rejected"),
        (2, "submitted"),
    ]


def test_funding_and_preflight_are_those_of_the_run(paid: tuple[Market, str]) -> None:
    market, _ = paid
    needs = "select rail_currency, line_count, needed from finance.funding('2026-W47')"
    assert [tuple(row.values()) for row in market.rows("dora", needs)] == [
        (CURRENCIES[HELD.rail], 1, 500)
    ]
    has_no_attempt = "select finance.has_no_attempt('2026-W47')"
    assert market.value(ORCHESTRATOR, has_no_attempt) is False
    market.approve("ana")
    assert market.value(ORCHESTRATOR, has_no_attempt) is True
    market.freeze()
    assert market.value(ORCHESTRATOR, has_no_attempt) is True
    assert len(market.rows("dora", needs)) == 1
