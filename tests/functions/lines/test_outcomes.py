"""Outcomes: webhooks, answers and look-ups move a line, in whatever order they come."""

from collections.abc import Iterator
from hashlib import sha256
from itertools import permutations
from typing import Any

import psycopg
import pytest

from tests.functions.market import DUE, Market
from tests.functions.payment_server import OWNER, WEBHOOK
from tests.functions.rail_events import FAILED, RECEIVE, answer, payout, receive, take
from tests.functions.situations import on_its_way

# No index takes it, and nothing makes it shorter.
LONG_ID = b"".join(sha256(bytes([n])).hexdigest().encode() for n in range(200))
ORDERS = {x: list(permutations(["answer", x, f"seen {x}"])) for x in ("completed", "failed")}


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch of one line that is on its way to the rail."""
    with on_its_way() as market:
        yield market


def found(market: Market) -> tuple[Any, ...]:
    [line] = market.lines("state, failure_reason, returned_at, retaken_at")
    return line


@pytest.mark.parametrize("steps", ORDERS["completed"])
def test_completed_in_any_order(market: Market, steps: tuple[str, ...]) -> None:
    take(market, *steps)
    assert found(market) == ("completed", None, None, None)
    [line] = market.rows("dora", "select * from finance.payout_lines")
    assert (line["payout_id"], line["tx_hash"]) == (payout(market)["id"], "0xfeed")
    assert (line["outcome_at"], str(line["network_fee"])) == (DUE, "1.250000")
    assert (market.state(), market.kinds("breaks")) == (["accepted"], [])
    kinds = market.kinds("line_events")
    assert [kind for kind in kinds if kind != "submitted"] == ["completed", "frozen"]


@pytest.mark.parametrize("steps", ORDERS["failed"])
def test_failed_in_any_order(market: Market, steps: tuple[str, ...]) -> None:
    take(market, *steps)
    assert found(market) == ("failed", FAILED["failure_reason"], DUE, None)
    assert market.kinds("breaks") == []
    kinds = market.kinds("line_events")
    assert [k for k in kinds if k != "submitted"] == ["failed", "failure_confirmed", "frozen"]


@pytest.mark.parametrize(
    ("steps", "line", "breaks", "alerts"),
    [
        (["answer", "failed"], ("failed", FAILED["failure_reason"], None, None), [], []),
        (
            ["answer", "failed", "completed"],
            ("completed", None, None, None),
            [],
            ["completed_after_failed"],
        ),
        (
            # The same failure once more is no news.
            ["answer", "failed", "seen failed", "completed", "failed", "answer"],
            ("completed", None, DUE, DUE),
            [],
            ["completed_after_failed"],
        ),
        (
            ["completed", "failed", "seen failed", "answer"],
            ("completed", None, None, None),
            ["failed_after_completed"],
            ["break"],
        ),
    ],
)
def test_an_outcome_that_changes(
    market: Market, steps: list[str], line: tuple[Any, ...], breaks: list[str], alerts: list[str]
) -> None:
    take(market, *steps)
    assert (found(market), market.kinds("breaks")) == (line, breaks)
    assert market.kinds("alerts") == alerts


@pytest.mark.parametrize("is_answered", [False, True])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", "123.460000"),
        ("amount", "about a hundred"),
        ("amount", None),
        ("destination", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        ("environment", "live"),
        ("currency", "USDT_ERC20"),
    ],
)
def test_what_differs_from_its_line_moves_nothing(
    market: Market, field: str, value: str | None, is_answered: bool
) -> None:
    if is_answered:
        answer(market)
    before = found(market)
    receive(market, "payout.completed", **{field: value})
    assert (found(market), market.kinds("breaks")) == (before, ["mismatch"])
    assert market.value("dora", "select detail from finance.breaks").endswith(f"in {field}")
    assert market.kinds("alerts") == ["break"]


def test_a_payout_without_an_id_moves_nothing(market: Market) -> None:
    receive(market, "payout.completed", id=None)
    assert (found(market)[0], market.kinds("breaks")) == ("frozen", ["mismatch"])
    answer(market)
    take(market, "completed")
    assert found(market)[0] == "completed"


def test_a_fee_that_is_no_number_keeps_no_outcome_back(market: Market) -> None:
    receive(market, "payout.completed", network_fee="free")
    [(state, fee)] = market.lines("state, network_fee")
    assert (state, fee, market.kinds("breaks")) == ("completed", None, [])


def test_a_payout_that_nobody_asked_for_is_a_break(market: Market) -> None:
    answer(market)
    # The line has its payout: a second one in its name is none of ours.
    receive(market, "payout.completed", id="another")
    assert (found(market)[0], market.kinds("breaks")) == ("submitted", ["unknown_payout"])
    assert market.value("dora", "select subject from finance.breaks") == "another"


@pytest.mark.parametrize(
    ("body", "breaks"),
    [
        (b'{"event": "payout.completed", "type": "test", "data": {"id": "p", "amount": "1"}}', []),
        (b'{"event": "payment.received", "data": {"id": "p"}}', []),
        (b'{"event": {"name": "payout.completed"}, "data": []}', []),
        (b'{"event": "payout.completed"}', ["unknown_payout"]),
        (b'{"event": "payout.completed", "data": "p"}', ["unknown_payout"]),
        (b'{"event": "payout.completed", "data": {"note": "\\u0000"}}', ["unreadable_event"]),
        (b'{"event": "payout.completed", "data": NaN}', ["unreadable_event"]),
        (b'\xff\xfe{\x00"\x00', ["unreadable_event"]),
        (b"[" * 200_000, ["unreadable_event"]),
        (b'{"event": "payout.failed", "data": {"id": "%s"}}' % LONG_ID, ["unreadable_event"]),
    ],
)
def test_every_event_is_kept(market: Market, body: bytes, breaks: list[str]) -> None:
    market.rows(WEBHOOK, RECEIVE, body)
    market.rows(WEBHOOK, RECEIVE, body)
    assert [row["body"] for row in market.rows("dora", "select * from halfin.webhook_events")] == [
        body
    ]
    assert (market.kinds("breaks"), found(market)[0]) == (breaks, "frozen")


def test_an_event_that_waits_in_vain_is_not_stored_and_counts_when_it_comes_again(
    market: Market,
) -> None:
    """Stored without its effect it was done with: the same bytes are taken once."""
    with market.connect(OWNER, autocommit=False) as other:
        other.execute("select from finance.payout_lines for update")
        market.rows(WEBHOOK, "set lock_timeout = '100ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            receive(market, "payout.completed")
        market.rows(WEBHOOK, "reset lock_timeout")
        other.rollback()
    assert (market.kinds("breaks"), found(market)[0]) == ([], "frozen")
    receive(market, "payout.completed")
    assert (market.kinds("breaks"), found(market)[0]) == ([], "completed")


@pytest.mark.parametrize("is_changed", [False, True])
def test_lines_that_the_answer_leaves_out_are_a_break(market: Market, is_changed: bool) -> None:
    shown = (
        payout(market, amount="0.010000")
        if is_changed
        else payout(market, id="x")
        | {
            "idempotency_key": "not ours",
            "metadata": None,
        }
    )
    assert answer(market, shown) == "accepted"
    assert found(market)[0] == "frozen"
    other = "mismatch" if is_changed else "unknown_payout"
    assert market.kinds("breaks") == sorted(["missing_payouts", other])


def test_an_answer_that_the_database_cannot_read_is_none(market: Market) -> None:
    assert answer(market, payout(market, description="\0")) == "unknown"
    assert (market.state(), found(market)[0]) == (["unknown"], "frozen")
