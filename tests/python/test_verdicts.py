"""What the answers to a call mean for the money: the database's verdict, and what it leads to."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from outcomes import COMPLETED, FAILED, LINE, payout, receive
from payment_server import ORCHESTRATOR
from payments import DUE, WINDOW, Market

EXAMPLES = Path(__file__).parent / "halfin_examples"
TAKEN = "the batch, as the rail shows it"
CODES = ("validation_error", "invalid_state")
# The states of the batch and of its line, whether the money came back, what is left to send.
LEADS_TO = {
    "accepted": ("accepted", "submitted", None, []),
    "rejected": ("rejected", "rejected", DUE, []),
    "unknown": ("unknown", "frozen", None, [1]),
    "stopped": ("unknown", "frozen", None, [1]),
}


class Try(NamedTuple):
    """An attempt and its answer."""

    http_status: int
    body: str | bytes = ""
    was_sent: bool = True


def refusal(code: Any = "validation_error", **other: Any) -> str:
    return json.dumps({"error": {"code": code, "message": "No", "details": []} | other})


def listing(*payouts: Any, **other: Any) -> str:
    return json.dumps({"data": {"id": "b", "payouts": payouts} | other, "meta": {}})


@pytest.fixture
def market() -> Iterator[Market]:
    """A batch of one line that is about to be sent; it has the number 1."""
    with Market.open() as market:
        market.approved(LINE)
        assert market.freeze() == 1
        yield market


def begin(market: Market) -> int:
    return int(market.value(ORCHESTRATOR, "select finance.begin_attempt(1, 1)"))


def end(market: Market, attempt: int, answer: Try) -> None:
    body = answer.body.encode() if isinstance(answer.body, str) else answer.body
    if answer.body == TAKEN:
        body = listing({k: v for k, v in payout(market).items() if k != "metadata"}).encode()
    for piece in (body[:7], body[7:]):
        take = "select finance.take_piece(1, 1, %s, %s)"
        market.rows(ORCHESTRATOR, take, attempt, piece)
    query = "select finance.end_attempt(1, 1, %s, %s, %s, 'req_1')"
    market.rows(ORCHESTRATOR, query, attempt, answer.http_status, answer.was_sent)


def conclude(market: Market) -> str:
    """The verdict; its line is fit to be read by a person."""
    [found] = market.rows(ORCHESTRATOR, "select * from finance.conclude_call(1, 1)")
    assert WINDOW in found["message"]
    assert "\n" not in found["message"]
    assert len(found["message"]) < 600
    assert [found["batch_state"]] == market.state()
    return str(found["verdict"])


def verdict(market: Market, *tries: Try) -> str:
    """What these attempts, one after the other, add up to."""
    for answer in tries:
        end(market, begin(market), answer)
    return conclude(market)


def leads_to(market: Market, verdict: str, *alerts: str) -> None:
    """Everything that a verdict decides is decided; the alerts are its own, where none is named."""
    calls = market.rows(ORCHESTRATOR, "select * from finance.next_call(1)")
    [(line, returned_at)] = market.lines("state, returned_at")
    assert (*market.state(), line, returned_at, [c["sequence"] for c in calls]) == LEADS_TO[verdict]
    own = () if verdict == "accepted" else (verdict,)
    assert market.kinds("alerts") == sorted(alerts or own)
    assert market.kinds("breaks") == []


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


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        ([Try(500)], "stopped"),
        ([Try(503, refusal())], "stopped"),
        ([Try(0, "ReadTimeout")], "stopped"),
        ([Try(0, "ConnectError", was_sent=False)], "rejected"),
        ([Try(429, was_sent=False)], "rejected"),
        ([Try(429), Try(0, was_sent=False), Try(429)], "rejected"),
        ([Try(429), Try(500), Try(429)], "stopped"),
        ([Try(201, '{"data": {"id": "b", "pay')], "stopped"),
        ([Try(500), Try(429), Try(400, refusal())], "stopped"),
        ([Try(302)], "stopped"),
        ([Try(403, refusal("forbidden"))], "stopped"),
        ([Try(409, refusal("conflict"))], "stopped"),
        ([Try(400, refusal())], "rejected"),
        ([Try(400, refusal("invalid_state")), Try(429)], "rejected"),
        ([Try(400, "<html>")], "stopped"),
        ([Try(400, refusal("conflict"))], "stopped"),
    ],
    ids=str,
)
def test_a_refusal_after_a_try_that_may_have_been_taken_is_stopped(
    market: Market, code: str, earlier: list[Try], expected: str
) -> None:
    """That the balance is too low may be our own doing."""
    assert verdict(market, *earlier, Try(400, refusal(code))) == expected
    leads_to(market, expected)


def test_a_doubt_outlives_the_run_that_met_it(market: Market) -> None:
    assert verdict(market, Try(500)) == "unknown"
    assert verdict(market, Try(400, refusal("invalid_state"))) == "stopped"
    assert verdict(market, Try(400, refusal("invalid_state"))) == "stopped"
    leads_to(market, "stopped", "stopped", "stopped", "unknown")
    assert verdict(market, Try(200, TAKEN)) == "accepted"
    leads_to(market, "accepted", "stopped", "stopped", "unknown")


@pytest.mark.parametrize("last", [Try(500), Try(0), Try(429)], ids=str)
def test_a_refusal_that_was_not_the_last_word_is_unknown(market: Market, last: Try) -> None:
    assert verdict(market, Try(400, refusal()), last) == "unknown"
    leads_to(market, "unknown")


def test_a_refusal_while_another_try_is_open_is_stopped(market: Market) -> None:
    """A run was killed, or still waits: its try may be taken."""
    first = begin(market)
    assert verdict(market, Try(400, refusal())) == "stopped"
    leads_to(market, "stopped")
    end(market, first, Try(400, refusal()))
    assert conclude(market) == "rejected"
    leads_to(market, "rejected", "rejected", "stopped")
    assert conclude(market) == "rejected"
    leads_to(market, "rejected", "rejected", "stopped")


@pytest.mark.parametrize("other", [Try(500), Try(0), Try(403), Try(400, refusal())], ids=str)
@pytest.mark.parametrize("is_taken_first", [True, False])
@pytest.mark.parametrize("is_heard_first", [True, False])
def test_of_two_runs_at_once_a_success_is_believed(
    market: Market, other: Try, is_taken_first: bool, is_heard_first: bool
) -> None:
    tries = [begin(market), begin(market)]
    taken, odd = tries if is_taken_first else reversed(tries)
    answers = [(taken, Try(201, TAKEN)), (odd, other)]
    heard = []
    for attempt, answer in answers if is_heard_first else reversed(answers):
        end(market, attempt, answer)
        heard.append(conclude(market))
    doubt = "unknown" if other.http_status in (0, 500) else "stopped"
    assert heard == (["accepted", "accepted"] if is_heard_first else [doubt, "accepted"])
    leads_to(market, "accepted", *([] if is_heard_first else [doubt]))


def test_two_runs_that_hear_the_same_take_it_once(market: Market) -> None:
    for attempt in (begin(market), begin(market)):
        end(market, attempt, Try(200, TAKEN))
        assert conclude(market) == "accepted"
    leads_to(market, "accepted")
    events = market.rows("dora", "select kind from finance.line_events order by line_event_id")
    assert [event["kind"] for event in events] == ["frozen", "submitted"]


@pytest.mark.parametrize("is_cut_first", [True, False])
def test_an_acceptance_counts_for_more_than_a_success_that_was_cut(
    market: Market, is_cut_first: bool
) -> None:
    tries = [Try(201, '{"data": {"id": "b", "pay'), Try(200, TAKEN)]
    assert verdict(market, *(tries if is_cut_first else reversed(tries))) == "accepted"
    leads_to(market, "accepted")


def test_a_success_that_was_cut_hides_nothing_that_comes_after_it(market: Market) -> None:
    assert verdict(market, Try(201, '{"data": {"id"'), Try(401, refusal(message="x"))) == "stopped"
    assert "HTTP 401, x; " in market.value("dora", "select message from finance.alerts")


def test_two_runs_that_are_refused_reject_it_once(market: Market) -> None:
    for attempt in (begin(market), begin(market)):
        end(market, attempt, Try(400, refusal()))
    assert [conclude(market), conclude(market)] == ["rejected", "rejected"]
    leads_to(market, "rejected")


@pytest.mark.parametrize(
    ("event", "told", "state"),
    [("completed", COMPLETED, "completed"), ("failed", FAILED, "failed")],
)
def test_a_refusal_after_the_rail_has_spoken_of_a_payout_is_stopped(
    market: Market, event: str, told: dict[str, Any], state: str
) -> None:
    """The webhook was first: the rail has the batch, whatever it says now."""
    attempt = begin(market)
    receive(market, f"payout.{event}", **told)
    end(market, attempt, Try(400, refusal()))
    assert conclude(market) == "stopped"
    assert (market.state(), market.kinds("alerts")) == (["unknown"], ["stopped"])
    assert market.lines("state, returned_at") == [(state, None)]


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
    if expected != "accepted":
        said = market.value("dora", "select message from finance.alerts")
        assert example["body"]["error"]["message"] in said


def test_the_documented_acceptance_is_one_of_another_batch(market: Market) -> None:
    """It is accepted for its shape; that its payouts are not ours is for people to see."""
    example = json.loads((EXAMPLES / "batch_created.json").read_text())
    assert verdict(market, Try(201, json.dumps(example["body"]))) == "accepted"
    assert market.kinds("breaks") == ["missing_payouts", "unknown_payout", "unknown_payout"]
    assert market.lines("state") == [("frozen",)]
