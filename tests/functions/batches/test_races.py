"""Decisions, the freeze, attempts, withdrawals and closes at once, from 20 connections."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

from tests.functions.market import LINES, STORE, WINDOW, Market
from tests.functions.payment_server import ORCHESTRATOR

PEOPLE = ("ana", "ben", "cem")
APPROVE = "select finance.approve('2026-W47', (finance.payable('2026-W47')).digest)"
ASKED = (
    *((person, APPROVE) for person in PEOPLE),
    *((person, "select finance.revoke_approval('2026-W47')") for person in PEOPLE[:1]),
    *((person, "select finance.hold_seller('s1', 'a look')") for person in PEOPLE[:2]),
    ("cem", "select finance.release_hold('2026-W47', 's1', 'fine')"),
    ("ben", f"select finance.block_wallet('{LINES[1].wallet}', 'stolen')"),
    ("ana", "select finance.withdraw_batch('2026-W47', 'not now')"),
    ("ben", "select finance.withdraw_batch('2026-W47', 'not now')"),
    *((ORCHESTRATOR, "select finance.freeze_batch('2026-W47')") for _ in range(5)),
    *((ORCHESTRATOR, "select finance.begin_attempt(1, 1)") for _ in range(3)),
    *((ORCHESTRATOR, f"select finance.store_close('{WINDOW}')") for _ in range(2)),
)
EXPECTED = (psycopg.errors.RaiseException, psycopg.errors.LockNotAvailable)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_comes_first_no_rule_is_broken(seed: int) -> None:
    """Each is done or refused with a reason, and what is left agrees with itself."""
    assert len(ASKED) == 20
    with Market.open() as market:
        market.approved()
        asked = list(ASKED)
        Random(seed).shuffle(asked)  # noqa: S311 - a test's dice
        connections = [market.connect(who) for who, _ in asked]

        def run(number: int) -> list[str | None]:
            reasons = []
            for _ in range(3):
                try:
                    connections[number].execute(asked[number][1].encode())
                except EXPECTED as error:
                    reasons.append(error.diag.message_primary)
            return reasons

        with ThreadPoolExecutor(len(asked)) as pool:
            refusals = [reason for found in pool.map(run, range(20)) for reason in found]
        assert all(refusals)
        for connection in connections:
            connection.close()
        _agrees(market)


def _agrees(market: Market) -> None:
    assert market.value("dora", "select count(*) from finance.window_closes") == 1
    # At most one batch stands, and one line a seller.
    assert sum(state != "rejected" for state in market.state()) <= 1
    standing = market.lines("seller_id", "l.state <> 'rejected'")
    assert len(standing) == len(set(standing))
    # Each batch is its approvals' lines, to the letter.
    unapproved = market.lines(
        "l.line_id",
        "not exists (select from finance.batch_approvals as b inner join finance.approval_lines"
        " as a on b.approval_id = a.approval_id where b.batch_id = l.batch_id"
        " and (a.seller_id, a.net_minor, a.wallet_address)"
        " = (l.seller_id, l.amount_minor, l.wallet_address))",
    )
    assert unapproved == []
    # What was withdrawn was never tried, and what was tried was not taken back.
    both = market.rows(
        "dora",
        "select w.batch_id from finance.batch_withdrawals as w"
        " inner join finance.call_attempts as a on w.batch_id = a.batch_id",
    )
    assert both == []
    # Whoever comes later changes nothing of the close.
    assert market.value(ORCHESTRATOR, STORE, WINDOW) is False
