"""Of a refused call of several only the lines that the rail named fail; the others go on."""

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from orchestrator.errors import SettleError
from tests.events.receiver import events
from tests.functions.attempts import Try, begin, conclude, end
from tests.functions.market import (
    DUE,
    WINDOW,
    Line,
    Market,
    books,
    forward,
    not_served,
    odd_rail,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due

SIX = tuple(Line(f"s{n}", 1000 + n, "SPL") for n in range(6))
FOUR_A_CALL = {"halfin_max_lines_per_call": 4}
CALLS = "select sequence, follows, state, line_count from finance.payout_calls order by sequence"
BODIES = "select body from finance.payout_calls order by sequence"
INSERT = (
    "insert into finance.payout_calls"
    " (batch_id, sequence, follows, idempotency_key, path, body, body_sha256, line_count)"
    " select batch_id, 9, %s, idempotency_key || '/x', path, body, body_sha256, %s"
    " from finance.payout_calls where sequence = %s"
)


@pytest.fixture
def market() -> Iterator[Market]:
    """Six lines that are approved and due: two calls, of four and of two."""
    with due(*SIX) as market:
        yield market


def refusing(*sellers: str, **other: Any) -> dict[str, Any]:
    """A sandbox that serves all but these."""
    return {"auto_approve": False, **not_served(SIX, *sellers), **other}


def calls(market: Market) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in market.rows("dora", CALLS)]


def sellers_of(body: str) -> list[str]:
    return [payout["metadata"]["seller_id"] for payout in json.loads(body)["payouts"]]


def refusal_of(*details: str, code: str = "validation_error") -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": "No", "details": details}}, 400)


def first_answers(url: str, *answers: Response) -> Any:
    """The first calls are answered as given, every other one by the sandbox."""
    left = list(answers)
    return lambda request, body: left.pop(0) if left else forward(url, request, body)


def test_the_named_lines_fail_and_the_others_go_into_a_call_of_their_own(market: Market) -> None:
    seen: list[tuple[str, list[str]]] = []

    def see(request: Request, body: bytes) -> Response:
        # Its bytes are committed before the rail reads them.
        known = market.rows("dora", BODIES)
        assert body.decode() in [row["body"] for row in known]
        seen.append((json.loads(body)["idempotency_key"], sellers_of(body.decode())))
        return forward(url, request, body)

    with rail(**refusing("s1", "s3")) as url:
        with odd_rail(url, see) as odd:
            assert market.pay(odd, **FOUR_A_CALL).state == "accepted"
        assert (books(url)["batches"], books(url)["payouts"]) == (2, 4)
        assert market.pay(url).is_new is False
    assert [(key.partition(WINDOW)[2], sellers) for key, sellers in seen] == [
        ("/run-1/1/1", ["s0", "s1", "s2", "s3"]),
        ("/run-1/1/2", ["s4", "s5"]),
        ("/run-1/1/1/rest-1", ["s0", "s2"]),
    ]
    assert calls(market) == [
        (1, None, "rejected", 4),
        (2, None, "accepted", 2),
        (3, 1, "accepted", 2),
    ]
    assert market.lines("seller_id, call_sequence, state, failure_code, returned_at") == [
        ("s0", 3, "submitted", None, None),
        ("s1", 1, "failed", "refused", DUE),
        ("s2", 3, "submitted", None, None),
        ("s3", 1, "failed", "refused", DUE),
        ("s4", 2, "submitted", None, None),
        ("s5", 2, "submitted", None, None),
    ]
    assert market.value("dora", "select message from finance.alerts where kind = 'refused'") == (
        "the rail refused call 1 of 2026-W47, 2 of its 4 lines came back and the others go into"
        " call 3: The request has 2 problem(s); nothing was created (seller s1: destination: is"
        " not served; seller s3: destination: is not served)"
    )
    # A line keeps its own key, under which the rail pays once.
    bodies = [json.loads(row["body"])["payouts"] for row in market.rows("dora", BODIES)]
    assert [bodies[0][0], bodies[0][2]] == bodies[2]


def test_each_seller_is_told_once(market: Market) -> None:
    with rail(**refusing("s1")) as url:
        market.pay(url, **FOUR_A_CALL)
    told = [(e["seller_id"], e["event_type"]) for e in events(market)]
    assert sorted(e for e in told if e[1] != "reserve.released") == [
        (f"s{n}", "payout.failed" if n == 1 else "payout.submitted") for n in range(6)
    ]
    [failed] = [e["data"] for e in events(market) if e["event_type"] == "payout.failed"]
    assert (failed["failure_code"], failed["is_credited_back"]) == ("refused", True)
    moved = market.rows("dora", "select * from finance.line_events where kind = 'next_call'")
    assert [row["detail"] for row in moved] == ["from call 1 to call 3"] * 3


def test_each_round_has_fewer_lines_and_the_batch_comes_to_its_end(market: Market) -> None:
    with rail(**refusing("s0", "s1", "s2", "s5", most_named_lines=1)) as url:
        assert market.pay(url, **FOUR_A_CALL).state == "accepted"
        assert books(url)["payouts"] == 2
    assert calls(market) == [
        (1, None, "rejected", 4),
        (2, None, "rejected", 2),
        (3, 1, "rejected", 3),
        (4, 2, "accepted", 1),
        (5, 3, "rejected", 2),
        (6, 5, "accepted", 1),
    ]
    assert market.lines("seller_id", "state = 'submitted'") == [("s3",), ("s4",)]
    assert set(market.lines("failure_code", "state = 'failed'")) == {("refused",)}
    keys = market.rows("dora", "select idempotency_key as k from finance.payout_calls order by 1")
    assert [row["k"].partition("run-1/1")[2] for row in keys] == [
        "/1", "/1/rest-1", "/1/rest-2", "/1/rest-3", "/2", "/2/rest-1"
    ]  # fmt: skip


def test_if_nobody_is_left_the_batch_is_rejected(market: Market) -> None:
    everybody = [line.seller for line in SIX]
    with rail(**refusing(*everybody, most_named_lines=1)) as url:
        with pytest.raises(SettleError, match="the rail rejected the batch of 2026-W47: "):
            market.pay(url, **FOUR_A_CALL)
        assert books(url)["payouts"] == 0
    assert market.state() == ["rejected"]
    assert market.lines("state, returned_at") == [("rejected", DUE)] * len(SIX)
    with rail(auto_approve=False) as url:
        market.approve("ben")
        assert market.pay(url, **FOUR_A_CALL).state == "accepted"
        assert books(url)["payouts"] == len(SIX)


@pytest.mark.parametrize(
    "details",
    [
        [],
        ["the balance does not cover the total"],
        ["payouts[4].destination: is not served"],
        ["payouts[1].destination: is not served", "payouts[4].destination: is not served"],
        ["payouts[1].destination: is not served", "description: is too long"],
        ["payouts[9999999999].destination: is not served"],
        [f"payouts[{n}].destination: is not served" for n in range(4)],
    ],
    ids=lambda details: "; ".join(details)[:40] or "nothing",
)
def test_a_refusal_that_names_all_nobody_or_somebody_else_fails_the_whole_call(
    market: Market, details: list[str]
) -> None:
    with (
        rail(auto_approve=False) as url,
        odd_rail(url, first_answers(url, refusal_of(*details))) as odd,
    ):
        assert market.pay(odd, **FOUR_A_CALL).state == "accepted"
        assert books(url)["payouts"] == 2
    assert calls(market) == [(1, None, "rejected", 4), (2, None, "accepted", 2)]
    assert market.lines("state, returned_at", "call_sequence = 1") == [("failed", DUE)] * 4


def test_a_batch_of_one_call_is_refused_whole(market: Market) -> None:
    with rail(**refusing("s1")) as url:
        with pytest.raises(SettleError, match="the rail rejected the batch of 2026-W47"):
            market.pay(url)
        assert books(url)["payouts"] == 0
    assert calls(market) == [(1, None, "rejected", 6)]
    assert market.lines("state") == [("rejected",)] * 6


@pytest.mark.parametrize("earlier", [Response(status_code=500), Response("cut", 201)])
def test_a_refusal_in_doubt_moves_no_line(market: Market, earlier: Response) -> None:
    """An earlier attempt may have been taken, so its lines may be paid."""
    refused = refusal_of("payouts[1].destination: is not served")
    with (
        rail(auto_approve=False) as url,
        odd_rail(url, first_answers(url, earlier, refused)) as odd,
    ):
        for _ in range(2):
            with pytest.raises(SettleError):
                market.pay(odd, **FOUR_A_CALL)
    assert calls(market) == [(1, None, "unknown", 4), (2, None, "ready", 2)]
    assert market.lines("call_sequence, state", "call_sequence = 1") == [(1, "frozen")] * 4


def test_two_runs_that_are_refused_at_once_write_one_call(market: Market) -> None:
    market.rows(ORCHESTRATOR, "select finance.freeze_batch(%s, 4)", WINDOW)
    both = [begin(market) for _ in range(2)]
    refused = refusal_of("payouts[1].destination: is not served")
    verdicts = []
    for attempt in both:
        end(market, attempt, Try(400, bytes(refused.body)))
        verdicts.append(conclude(market))
    verdicts.append(conclude(market))
    assert verdicts == ["stopped", "rejected", "rejected"]
    assert calls(market)[2:] == [(3, 1, "ready", 3)]


@pytest.mark.parametrize(
    ("outcome", "verdict", "states"),
    [
        ("completed", "stopped", ["frozen", "completed", "frozen", "frozen"]),
        ("failed", "rejected", ["failed"] * 4),
    ],
)
def test_what_people_decided_of_a_line_keeps_the_others_where_they_are(
    market: Market, outcome: str, verdict: str, states: list[str]
) -> None:
    """A response was under way while they decided; one who says paid contradicts a refusal."""
    market.rows(ORCHESTRATOR, "select finance.freeze_batch(%s, 4)", WINDOW)
    first, second = (begin(market) for _ in range(2))
    end(market, first, Try(429))
    assert conclude(market) == "unknown"
    for person in ("ana", "ben"):
        resolve = "select finance.resolve_line(%s, 's1', %s, 'they say so')"
        market.rows(person, resolve, WINDOW, outcome)
    refused = refusal_of("payouts[2].destination: is not served")
    end(market, second, Try(400, bytes(refused.body)))
    assert conclude(market) == verdict
    assert len(calls(market)) == 2
    assert [state for (state,) in market.lines("state", "call_sequence = 1")] == states


def test_a_seller_who_is_held_meanwhile_stops_the_next_call(market: Market) -> None:
    with rail(**refusing("s1")) as url:

        def hold(request: Request, body: bytes) -> Response:
            if sellers_of(body.decode()) == ["s4", "s5"]:
                market.rows("ana", "select finance.hold_seller('s2', 'a complaint')")
            return forward(url, request, body)

        with (
            odd_rail(url, hold) as odd,
            pytest.raises(
                SettleError,
                match="call 3 of 2026-W47 is stopped, it was never sent: seller s2 is held",
            ),
        ):
            market.pay(odd, **FOUR_A_CALL)
        assert market.value("ana", "select finance.withdraw_batch(%s, 'held')", WINDOW) == 3
        assert books(url)["payouts"] == 2
    assert market.state() == ["accepted"]
    assert market.lines("seller_id", "state = 'rejected'") == [("s0",), ("s2",), ("s3",)]


# What no code of ours can do, because the database refuses it.


def in_doubt(market: Market) -> None:
    """Call 1 is accepted, call 2 unknown."""
    with (
        rail(auto_approve=False) as url,
        odd_rail(url, first_answers(url, Response(status_code=500))) as odd,
        pytest.raises(SettleError),
    ):
        market.pay(odd, **FOUR_A_CALL)


def withdrawn(market: Market) -> None:
    market.rows(ORCHESTRATOR, "select finance.freeze_batch(%s, 4)", WINDOW)
    market.rows("ana", "select finance.withdraw_batch(%s, 'no')", WINDOW)


def paid(market: Market) -> None:
    with rail(auto_approve=False) as url:
        market.pay(url, **FOUR_A_CALL)


def declared(market: Market) -> None:
    in_doubt(market)
    for person in ("ana", "ben"):
        market.rows(person, "select finance.declare_rejected(%s, 'not there')", WINDOW)


@pytest.mark.parametrize("state", [in_doubt, withdrawn, paid, declared])
def test_nothing_follows_a_call_that_was_not_refused_for_certain(
    market: Market, state: Any
) -> None:
    state(market)
    said = market.refusal(OWNER, INSERT, 1, 1, 1)
    assert said == (
        "no call follows call 1 of batch 1: it was not refused for certain,"
        " and its lines may be paid"
    )


@pytest.fixture
def refused(market: Market) -> Market:
    """Call 1 was refused for s1; call 3, which follows it, waits."""
    with (
        rail(auto_approve=False) as url,
        odd_rail(
            url,
            first_answers(
                url,
                refusal_of("payouts[1].destination: is not served"),
                Response(status_code=401),
            ),
        ) as odd,
        pytest.raises(SettleError),
    ):
        market.pay(odd, **FOUR_A_CALL)
    assert calls(market)[0::2] == [(1, None, "rejected", 4), (3, 1, "ready", 3)]
    return market


def test_one_call_at_most_follows_a_refused_one_and_it_is_smaller(refused: Market) -> None:
    forget = "update finance.payout_calls set follows = null where follows = 1"
    assert refused.refusal(OWNER, forget).startswith("finance.payout_calls is immutable but for ")
    assert "payout_calls_follows_once" in refused.refusal(OWNER, INSERT, 1, 3, 3)
    assert refused.refusal(OWNER, INSERT, 1, 4, 1) == (
        "call 9 of batch 1 sends 4 lines, and call 1, which it follows, had 4:"
        " at least one was refused"
    )


@pytest.mark.parametrize(
    ("seller", "call"),
    [("s1", 3), ("s4", 3), ("s0", 1), ("s0", 2)],
    ids=["named", "another call's", "back", "elsewhere"],
)
def test_a_line_goes_nowhere_but_from_a_refused_call_to_the_next(
    refused: Market, seller: str, call: int
) -> None:
    said = refused.refusal(
        OWNER,
        "update finance.payout_lines set call_sequence = %s where seller_id = %s",
        call,
        seller,
    )
    assert f"the line of seller {seller} in 2026-W47 stays in call" in said


def test_a_call_sends_the_lines_that_are_in_it(refused: Market) -> None:
    """The bytes and the lines are compared at the end of the transaction that writes them."""
    split = "select finance.write_next_call(b, c, 9, %s) from finance.payout_batches as b"
    split += " inner join finance.payout_calls as c using (batch_id) where c.sequence = 1"
    with refused.connect(OWNER, autocommit=False) as owner:
        owner.execute("set constraints all immediate")
        owner.execute("set local session_replication_role = replica")
        owner.execute("delete from finance.payout_calls where sequence = 3")
        owner.execute("set local session_replication_role = origin")
        lines = refused.lines("line_id", "seller_id in ('s0', 's2')")
        with pytest.raises(psycopg.errors.RaiseException) as error:
            owner.execute(split.encode(), [[line_id for (line_id,) in lines]])
    assert error.value.diag.message_primary == (
        "call 9 of batch 1 does not send the lines that are in it: nothing was changed"
    )
