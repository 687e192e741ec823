"""What one answer to a call means for the money: the database's verdict, and what it leads to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functions.attempts import (
    CODES,
    TAKEN,
    Try,
    begin,
    conclude,
    leads_to,
    listing,
    refusal,
    verdict,
)
from tests.functions.market import Market
from tests.functions.payment_server import ORCHESTRATOR
from tests.functions.situations import frozen

EXAMPLES = Path(__file__).parents[2] / "halfin" / "examples"


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch of one line that is about to be sent; it has the number 1."""
    with frozen() as market:
        yield market


@pytest.mark.parametrize("status", [200, 201, 202])
def test_the_batch_as_it_was_sent_is_accepted(market: Market, status: int) -> None:
    assert verdict(market, Try(status, TAKEN)) == "accepted"
    leads_to(market, "accepted")
    # Once more, as another run would: it is settled.
    assert conclude(market) == "accepted"
    leads_to(market, "accepted")


@pytest.mark.parametrize("status", [200, 201])
@pytest.mark.parametrize(
    "odd",
    [
        *("", " ", "<html>a\nlogin\npage</html>" * 99, "null", "7", '"b"', "[1]", "{}", "{}}"),
        *('{"data": {"id": "b", "payo', '{"data": NaN}', "\ufeff" + listing({"id": "p"})),
        *('{"data": null}', '{"data": {}}', '{"data": []}', '{"data": "b"}', '{"data": {"id": 7}}'),
        *('{"data": {"id": "b"}}', '{"data": {"payouts": [{"id": "p"}]}}', '{"id": "b"}'),
        *(listing(), listing(id=7), listing({}), listing(7), listing(None), listing([])),
        *(listing({"id": None}), listing({"id": ""}), listing({"id": "p"}, {})),
        *(listing({"id": "p"}, id=None), listing({"id": "p"}, id="")),
        *(listing(payouts=odd) for odd in (None, {}, "p", 7, {"id": "p"})),
        *(b"\0", b"\xff\xfe{\0}\0", listing({"id": "p", "description": "\0"})),
        *("[" * 200_000, '{"a":' * 200_000),
        refusal(),
    ],
    ids=lambda odd: str(odd)[:30],
)
def test_a_success_of_another_shape_is_unknown(
    market: Market, status: int, odd: str | bytes
) -> None:
    assert verdict(market, Try(status, odd)) == "unknown"
    leads_to(market, "unknown")


def test_an_empty_success_is_unknown(market: Market) -> None:
    assert verdict(market, Try(204)) == "unknown"
    leads_to(market, "unknown")


@pytest.mark.parametrize(
    "answer",
    [
        *(Try(0, "ReadTimeout: timed out"), Try(0), Try(0, "ConnectError: refused", False)),
        *(Try(status, body) for status in (429, 500, 502, 503, 599) for body in ("", refusal())),
        *(Try(429, "", False), Try(500, TAKEN), Try(0, TAKEN)),
    ],
    ids=str,
)
def test_no_answer_and_a_rail_in_trouble_are_unknown(market: Market, answer: Try) -> None:
    assert verdict(market, answer) == "unknown"
    leads_to(market, "unknown")
    assert verdict(market, Try(200, TAKEN)) == "accepted"
    leads_to(market, "accepted", "unknown")


@pytest.mark.parametrize("status", [302, 307, 401, 402, 403, 404, 409, 413, 422])
@pytest.mark.parametrize("body", ["", refusal(), refusal("invalid_state"), TAKEN])
def test_what_a_person_must_see_is_stopped(market: Market, status: int, body: str) -> None:
    assert verdict(market, Try(status, body)) == "stopped"
    leads_to(market, "stopped")
    assert verdict(market, Try(200, TAKEN)) == "accepted"
    leads_to(market, "accepted", "stopped")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"message": None},
        {"message": {"a": 1}},
        {"message": "No\nand\nno" * 999},
        *(
            {"details": odd}
            for odd in (None, "a", 7, {}, {"a": 1}, [1], [None], [{}], ["a", ["b"]])
        ),
        {"details": ["payouts[0].amount: is too small", "payouts[9999999999].amount", "payouts[]"]},
    ],
    ids=lambda odd: str(odd)[:30],
)
def test_a_refusal_of_the_batch_rejects_it(market: Market, code: str, odd: dict[str, Any]) -> None:
    assert verdict(market, Try(400, refusal(code, **odd))) == "rejected"
    leads_to(market, "rejected")
    # Nothing of it is left to send: paying again takes a new decision.
    again = market.refusal(ORCHESTRATOR, "select finance.begin_attempt(1, 1)")
    assert again == "call 1 of batch 1 has its answer: nothing is left to send"


@pytest.mark.parametrize(
    "body",
    [
        *("", "<html>", "null", "[]", "7", '{"error": []}', '{"error": "validation_error"}'),
        *('{"error": {}}', '{"code": "validation_error"}', refusal()[:-1], refusal() + "}"),
        *(refusal(odd) for odd in (None, 4, "", ["validation_error"], "VALIDATION_ERROR", "x")),
        *(refusal(code) for code in ("unauthorized", "forbidden", "not_found", "conflict")),
        *(refusal(code) for code in ("rate_limited", "internal_error", "gate_offline")),
        *(refusal(message="\0"), b"\xff" + refusal().encode(), "the answer is too long", TAKEN),
        "[" * 200_000,
    ],
    ids=lambda body: str(body)[:60],
)
def test_a_400_that_does_not_say_why_is_stopped(market: Market, body: str | bytes) -> None:
    assert verdict(market, Try(400, body)) == "stopped"
    leads_to(market, "stopped")


def test_a_call_that_was_not_tried_has_no_verdict(market: Market) -> None:
    conclude_it = "select * from finance.conclude_call(1, 1)"
    assert market.refusal(ORCHESTRATOR, conclude_it) == "call 1 of batch 1 was not tried yet"
    begin(market)
    assert market.refusal(ORCHESTRATOR, conclude_it) == "call 1 of batch 1 was not tried yet"
    assert (market.state(), market.lines("state")) == (["submitting"], [("frozen",)])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("error_validation", "rejected"),
        ("error_state", "rejected"),
        ("error_unauthorized", "stopped"),
        ("error_forbidden", "stopped"),
        ("error_not_found", "stopped"),
        ("error_conflict", "stopped"),
        ("error_rate_limited", "unknown"),
        ("error_internal", "unknown"),
        ("error_offline", "unknown"),
    ],
)
def test_the_documented_refusals(market: Market, name: str, expected: str) -> None:
    example = json.loads((EXAMPLES / f"{name}.json").read_text())
    assert verdict(market, Try(example["status"], json.dumps(example["body"]))) == expected
    leads_to(market, expected)
    said = market.value("dora", "select message from finance.alerts")
    assert example["body"]["error"]["message"] in said


def test_the_documented_acceptance_is_one_of_another_batch(market: Market) -> None:
    """It is accepted for its shape; that its payouts are not ours is for people to see."""
    example = json.loads((EXAMPLES / "batch_created.json").read_text())
    assert verdict(market, Try(201, json.dumps(example["body"]))) == "accepted"
    assert market.kinds("breaks") == ["missing_payouts", "unknown_payout", "unknown_payout"]
    assert market.lines("state") == [("frozen",)]
