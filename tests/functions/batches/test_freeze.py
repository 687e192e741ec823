"""The freeze: one batch a window, written down to the byte before anything is sent."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any

import pytest

from tests.functions.market import (
    CURRENCIES,
    LINES,
    WINDOW,
    Market,
    books,
    exact_bytes,
    paid_once,
    rail,
)
from tests.functions.payment_server import ORCHESTRATOR, OWNER
from tests.functions.situations import due

STATE_COLUMNS = {
    "payout_batches": "state answered_at state_note",
    "payout_lines": (
        "state payout_id rail_status tx_hash network_fee fee_amount failure_code failure_reason"
        " outcome_at returned_at retaken_at call_sequence"
    ),
    "payout_calls": "state rail_batch_id",
    "call_attempts": "http_status was_sent request_id response ended_at",
    "line_windows": "is_standing",
    "approvals": "revoked_by revoked_at",
}
NOWHERE = "http://127.0.0.1:9/api"  # nothing listens there


@pytest.fixture
def market() -> Iterator[Market]:
    """A window that is closed, approved and due."""
    with due() as market:
        yield market


def test_many_at_once_freeze_and_pay_once(market: Market) -> None:
    with rail(auto_approve=False) as url, ThreadPoolExecutor(20) as pool:
        results = list(pool.map(lambda _: market.pay(url), range(20)))
        assert {(r.batch_id, r.state) for r in results} == {(1, "accepted")}
        paid_once(market, url)
        # Keys are of the batch and of each line.
        assert books(url)["idempotency_keys"] == 1 + len(LINES)
    again = market.pay(NOWHERE)
    assert (again.state, again.is_new) == ("accepted", False)


def test_what_is_sent_is_written_down_first(market: Market) -> None:
    batch = market.freeze()
    assert market.freeze() == batch
    installation = market.value("dora", "select installation_id from finance.installation")
    key = f"settle/{installation}/{WINDOW}"
    keys = [f"{key}/{sha256(line.seller.encode()).hexdigest()[:32]}" for line in LINES]
    ids = [sha256(f"{k}|1".encode()).hexdigest()[:32] for k in keys]
    assert market.lines("line_id, idempotency_key") == list(zip(ids, keys, strict=True))
    [call] = market.rows(ORCHESTRATOR, "select * from finance.next_call(%s)", batch)
    body = exact_bytes(market, batch)
    for attempt in (1, 2, 3):
        begin = "select finance.begin_attempt(%s, 1)"
        assert market.value(ORCHESTRATOR, begin, batch) == attempt
        again = market.rows(ORCHESTRATOR, "select * from finance.next_call(%s)", batch)
        assert again == [call]
        assert exact_bytes(market, batch) == body
    assert json.loads(body) == {
        "idempotency_key": f"{key}/run-1/1",
        "description": f"Settlement {WINDOW}",
        "payouts": [
            {
                "currency": CURRENCIES[line.rail],
                "amount": amount,
                "destination": line.wallet,
                "description": f"Settlement {WINDOW}",
                "metadata": {"seller_id": line.seller, "payout_window": WINDOW, "line_id": line_id},
                "idempotency_key": line_key,
            }
            for line, line_id, line_key, amount in zip(
                LINES, ids, keys, ["123.450000", "1000.000000", "0.070000"], strict=True
            )
        ],
    }
    [stored] = market.rows("dora", "select body_sha256, path from finance.payout_calls")
    assert stored["body_sha256"] == sha256(body).hexdigest()
    assert stored["path"] == call["path"] == "/v1/payouts/batch"


@pytest.mark.parametrize("table", STATE_COLUMNS)
def test_only_state_columns_of_what_is_frozen_change(market: Market, table: str) -> None:
    market.rows(ORCHESTRATOR, "select finance.begin_attempt(%s, 1)", market.freeze())
    market.rows(OWNER, "set role settle_owner")
    columns = market.rows(OWNER, f"select * from finance.{table} limit 1")[0].keys()
    # Null until then: tests/security/test_retention.py, test_refused_calls.py.
    later = {"response_sha256", "pruned_at", "follows"}
    for column in columns - later - {*STATE_COLUMNS[table].split()}:
        said = market.refusal(OWNER, f"update finance.{table} set {column} = null")
        assert said == (
            f"finance.{table} is immutable but for {', '.join(STATE_COLUMNS[table].split())}"
        ) or said.endswith("can only be updated to DEFAULT")
    for query in (f"delete from finance.{table}", f"truncate finance.{table} cascade"):
        assert " is append-only: " in market.refusal(OWNER, query)


def test_a_window_has_one_standing_batch_and_a_seller_one_standing_line(market: Market) -> None:
    market.freeze()

    def copy(table: str, **other: Any) -> tuple[str, str]:
        [row, *_] = market.rows(OWNER, f"select * from finance.{table}")
        query = (
            f"insert into finance.{table} overriding system value"
            f" select * from jsonb_populate_record(null::finance.{table}, %s)"
        )
        return query, json.dumps(row | other, default=str)

    another = {"batch_id": 2}
    said = market.refusal(OWNER, *copy("payout_batches", attempt=2, **another))
    assert "payout_batches_one_per_run" in said
    market.rows(OWNER, "set session_replication_role = replica")  # no batch begins as rejected
    market.rows(OWNER, *copy("payout_batches", attempt=2, state="rejected", **another))
    market.rows(OWNER, "reset session_replication_role")
    said = market.refusal(OWNER, *copy("payout_lines", line_id="another", **another))
    assert "payout_lines_one_standing" in said
