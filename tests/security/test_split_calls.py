"""What somebody tries with a refused call of several: by SQL under each login, and at once."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import psycopg
import pytest

from tests.functions.attempts import Try, begin, conclude, end
from tests.functions.market import DUE, WINDOW, Line, Market
from tests.functions.payment_server import DBT, ORCHESTRATOR, OWNER, WEBHOOK
from tests.functions.rail_events import COMPLETED, RECEIVE

SIX = tuple(Line(f"s{n}", 1000 + n, "SPL") for n in range(6))
LOGINS = (ORCHESTRATOR, WEBHOOK, DBT, "portal", "ana", "dora")  # ana: finance, dora: analyst
FOLLOWER = (
    "insert into finance.payout_calls"
    " (batch_id, sequence, follows, idempotency_key, path, body, body_sha256, line_count)"
    " select 1, 9, {follows}, {key}, path, {body}, encode(sha256(convert_to({body}, 'UTF8')),"
    " 'hex'), {count} from finance.payout_calls where sequence = 3"
)
# A batch, its first call and lines for the functions that split it.
OF_CALL = "from finance.payout_batches as b inner join finance.payout_calls as c using (batch_id)"
# Everything that a login could try to change about a call, its follower and their lines.
TRIED = (
    *(
        FOLLOWER.format(follows=follows, key=key, body="body", count=count)
        for follows, key, count in (
            (1, "idempotency_key || '/x'", 1),
            (2, "idempotency_key || '/x'", 1),
            (3, "idempotency_key", 2),
            ("null", "idempotency_key || '/x'", 3),
        )
    ),
    "update finance.payout_calls set body = '{}'",
    "update finance.payout_calls set follows = 2 where sequence = 3",
    "update finance.payout_calls set state = 'ready' where sequence = 1",
    "update finance.payout_calls set idempotency_key = 'mine'",
    "delete from finance.payout_calls where sequence = 3",
    "update finance.payout_lines set call_sequence = 3",
    "update finance.payout_lines set state = 'frozen', returned_at = null",
    "insert into finance.call_attempts (batch_id, sequence, attempt, http_status, ended_at)"
    " values (1, 2, 9, 400, now())",
    "update finance.call_attempts set http_status = 400, response = '{}'",
    "delete from finance.call_attempts",
    "insert into finance.line_events (line_id, kind, source)"
    " select line_id, 'next_call', 'answer' from finance.payout_lines",
    f"select finance.split_call(b, c, array['x']) {OF_CALL}",
    f"select finance.write_next_call(b, c, 9, array['x']) {OF_CALL}",
    f"select finance.reject_call(b, c, '{{}}') {OF_CALL}",
    f"select finance.accept_call(c, '{{}}') {OF_CALL}",
    "select finance.return_lines(array['x'], 'failed')",
    "alter table finance.payout_calls disable trigger all",
    "set session_replication_role = replica",
    "do $$ begin lock table finance.payout_calls in access exclusive mode; end $$",
    "create trigger mine before insert on finance.payout_calls for each row"
    " execute function suppress_redundant_updates_trigger()",
)
# What no order of events may bring about: rows of this are broken rules.
BROKEN = """
with sent as (
    select c.batch_id, c.sequence, c.state, p.payout #>> '{metadata,line_id}' as line_id
    from finance.payout_calls as c
    cross join lateral json_array_elements(c.body::json -> 'payouts') as p (payout)
)
select 'two calls follow one' as rule from finance.payout_calls
where follows is not null group by batch_id, follows having count(*) > 1
union all
select 'a call follows one that was not refused' from finance.payout_calls as c
inner join finance.payout_calls as f on c.batch_id = f.batch_id and c.follows = f.sequence
where f.state <> 'rejected'
union all
select 'a line is in two calls that can be sent or were taken' from sent
where state <> 'rejected' group by line_id having count(*) > 1
union all
select 'a call sends a line that is in another' from sent as s
inner join finance.payout_lines as l on s.line_id = l.line_id
where s.state <> 'rejected' and s.sequence <> l.call_sequence
union all
select 'a call that was taken back was sent' from finance.payout_calls as c
inner join finance.batch_withdrawals as w on c.batch_id = w.batch_id
where c.state = 'rejected' and c.follows is not null
and finance.was_sent(c.batch_id, c.sequence)
union all
select 'money came back, and its call can be sent' from finance.payout_lines as l
inner join finance.payout_calls as c
    on l.batch_id = c.batch_id and l.call_sequence = c.sequence
where l.returned_at is not null and c.state <> 'rejected'
union all
select 'a line that the refusal named goes on' from finance.payout_lines as l
where l.seller_id = 's1' and l.call_sequence <> 1
"""
EXPECTED = (psycopg.errors.RaiseException, psycopg.errors.LockNotAvailable)


@pytest.fixture
def market() -> Iterator[Market]:
    """Calls of four lines and of two; the first was refused for s1, which nobody has read yet."""
    with Market.open() as market:
        market.approved(*SIX)
        market.rows(ORCHESTRATOR, "select finance.freeze_batch(%s, 4)", WINDOW)
        end(market, begin(market), Try(400, refused("payouts[1].destination: is not served")))
        yield market


@pytest.fixture
def split(market: Market) -> Market:
    """Call 3 follows the first, with what the refusal did not name."""
    assert conclude(market) == "rejected"
    return market


def refused(*details: str) -> str:
    error = {"code": "validation_error", "message": "No", "details": details}
    return json.dumps({"error": error})


def state(market: Market) -> list[Any]:
    calls = "select sequence, follows, state, body from finance.payout_calls order by sequence"
    return [
        *([*row.values()] for row in market.rows("dora", calls)),
        *market.lines("seller_id, call_sequence, state, returned_at"),
    ]


@pytest.mark.parametrize("login", LOGINS)
def test_no_login_changes_a_call_or_moves_a_line(split: Market, login: str) -> None:
    before = state(split)
    split.rows(login, "set default_transaction_read_only = off")
    for query in TRIED:
        said = split.refusal(login, query)
        assert said.startswith(("permission denied", "must be owner of")), (query, said)
    assert state(split) == before


def test_whoever_may_pay_gets_one_follower_of_a_refused_call(split: Market) -> None:
    """The orchestrator's own functions, called again, late and out of order."""
    before = state(split)
    assert [conclude(split) for _ in range(3)] == ["rejected"] * 3
    taken = json.dumps({"data": {"id": "b", "payouts": []}})
    end(split, 1, Try(201, taken))  # an attempt that has ended keeps its response
    assert conclude(split) == "rejected"
    for query in (
        "select finance.begin_attempt(1, 1)",
        "select finance.begin_attempt(1, 9)",
        "select * from finance.conclude_call(1, 3)",
    ):
        assert "permission denied" not in split.refusal(ORCHESTRATOR, query)
    split.rows(ORCHESTRATOR, "select finance.freeze_batch('2026-W47', 1)")
    assert state(split) == before


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("(select body from finance.payout_calls where sequence = 2)", 2),
        ("(select body from finance.payout_calls where sequence = 1)", 3),
        ("""'{"payouts": []}'""", 1),
    ],
    ids=["another call's lines", "more lines than it says", "no line"],
)
def test_not_even_the_owner_writes_a_follower_with_other_lines(
    market: Market, body: str, count: int
) -> None:
    """Call 1 was refused whole, so nothing of it is left to send."""
    end(market, begin(market), Try(400, refused()))
    assert conclude(market) == "rejected"
    insert = FOLLOWER.format(follows=1, key="'mine'", body=body, count=count)
    said = market.refusal(OWNER, insert.replace("where sequence = 3", "where sequence = 1"))
    assert said == "call 9 of batch 1 does not send the lines that are in it: nothing was changed"


def test_no_key_is_used_again(split: Market) -> None:
    split.rows(ORCHESTRATOR, "select finance.begin_attempt(1, 2)")
    for query in (
        "select finance.append_response_chunk(1, 2, 1, %s)",
        "select finance.end_attempt(1, 2, 1, 400, true, null)",
        "select * from finance.conclude_call(1, 2)",
    ):
        split.rows(ORCHESTRATOR, query, *[refused().encode()][: query.count("%s")])
    insert = FOLLOWER.format(follows=2, key="idempotency_key", body="body", count=1)
    assert "payout_calls_batch_id_idempotency_key_key" in split.refusal(OWNER, insert)


def test_a_follower_that_was_taken_back_or_declared_lost_is_sent_no_more(split: Market) -> None:
    split.rows("ana", "select finance.withdraw_batch(%s, 'not now')", WINDOW)
    before = state(split)
    taken_back = [seller for (seller,) in split.lines("seller_id", "state = 'rejected'")]
    assert [line.seller for line in SIX] == sorted({*taken_back, "s1"})
    assert split.refusal(ORCHESTRATOR, "select finance.begin_attempt(1, 3)").startswith(
        "call 3 of batch 1 has its answer"
    )
    assert conclude(split) == "rejected"
    insert = FOLLOWER.format(follows=3, key="'mine'", body="body", count=1)
    assert split.refusal(OWNER, insert).startswith("no call follows call 3 of batch 1")
    assert state(split) == before


def test_a_payout_of_the_refused_call_keeps_its_follower_from_being_sent(split: Market) -> None:
    """A webhook, forged or late, says that a line of it is paid: nothing is sent a second time."""
    receive(split, "s0")
    assert split.lines("state", "seller_id = 's0'") == [("completed",)]
    assert split.refusal(ORCHESTRATOR, "select finance.begin_attempt(1, 3)").startswith(
        "call 3 of 2026-W47 is stopped, it was never sent: seller s0 is held for outcome_conflict"
    )


def test_a_payout_of_the_refused_call_keeps_it_whole(market: Market) -> None:
    """The webhook came before anybody read the refusal, which is then no certain one."""
    receive(market, "s0")
    assert conclude(market) == "stopped"
    assert [line for line in market.lines("call_sequence, state") if line[0] == 3] == []


@pytest.mark.parametrize(
    "detail", ["payouts[\u0661].destination", "payouts[\uff11].x", "payouts[-1].x", "payouts[ 1].x"]
)
def test_a_place_that_is_no_number_names_nobody(market: Market, detail: str) -> None:
    """Whatever the server takes for a digit: the whole call is refused, and nothing hangs."""
    end(market, begin(market), Try(400, refused(detail)))
    assert conclude(market) == "rejected"
    assert market.lines("state, returned_at", "call_sequence = 1") == [("failed", DUE)] * 4


def receive(market: Market, seller: str) -> None:
    """A signed webhook says that the seller's line is paid."""
    query = "select * from finance.payout_lines where seller_id = %s"
    [row] = market.rows("dora", query, seller)
    data = {
        "id": f"payout-{row['line_id']}",
        "status": "completed",
        "currency": row["rail_currency"],
        "amount": f"{row['amount_minor'] / 100:.6f}",
        "destination": row["wallet_address"],
        "environment": "test",
        "metadata": {"line_id": row["line_id"]},
    }
    body = {"event": "payout.completed", "data": data | COMPLETED}
    market.rows(WEBHOOK, RECEIVE, json.dumps(body).encode())


ASKED = (
    *((ORCHESTRATOR, "select * from finance.conclude_call(1, 1)") for _ in range(7)),
    *((ORCHESTRATOR, "select finance.begin_attempt(1, 1)") for _ in range(2)),
    *((ORCHESTRATOR, "select finance.begin_attempt(1, 3)") for _ in range(3)),
    *((ORCHESTRATOR, "select * from finance.conclude_call(1, 3)") for _ in range(2)),
    ("ana", "select finance.hold_seller('s2', 'a look')"),
    ("ben", f"select finance.block_wallet('{SIX[3].wallet}', 'stolen')"),
    *(
        (person, f"select finance.withdraw_batch('{WINDOW}', 'not now')")
        for person in ("ana", "cem")
    ),
    ("ben", f"select finance.resolve_line('{WINDOW}', 's0', 'failed', 'they say so')"),
    ("cem", f"select finance.declare_rejected('{WINDOW}', 'they say so')"),
)


@pytest.mark.parametrize("seed", range(6))
def test_from_20_connections_a_refused_call_is_split_once(market: Market, seed: int) -> None:
    assert len(ASKED) == 20
    asked = list(ASKED)
    Random(seed).shuffle(asked)  # noqa: S311 - a test's dice
    connections = [market.connect(who) for who, _ in asked]

    def run(number: int) -> str | None:
        try:
            connections[number].execute(asked[number][1].encode())
        except EXPECTED as error:
            return error.diag.message_primary
        return None

    try:
        with ThreadPoolExecutor(len(asked)) as pool:
            reasons = list(pool.map(run, range(len(asked))))
    finally:
        for connection in connections:
            connection.close()
    assert market.rows(OWNER, BROKEN) == [], reasons
    assert None in reasons
