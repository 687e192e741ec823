"""Files that people decide about, from 20 connections: each is taken whole, or not at all."""

import json
from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

from tests.functions.market import LINES, Line, Market
from tests.functions.payment_server import OWNER

FLAGGED = tuple(Line(f"f{n}", 1000 + n, holds=("manual_review",)) for n in range(5))
HOLD = "select finance.hold_sellers(%s, 'a complaint')"
RELEASE = "select * from finance.release_sellers('2026-W47', %s, 'they wrote')"
BLOCK = "select * from finance.block_wallets(%s, 'stolen')"
ENTER = "select finance.enter_adjustments(%s, 'goodwill')"
APPROVE = "select * from finance.approve_adjustments(1)"
WITHDRAW = "select finance.withdraw_adjustments(1)"
EXPECTED = (psycopg.errors.RaiseException, psycopg.errors.LockNotAvailable)
# What no order of events may bring about: rows of this are broken rules.
BROKEN = """
select 'a file of holds in part' as rule from finance.seller_holds
where file_id is not null group by file_id having count(*) not in (2, 3)
union all
select 'a seller held twice' from finance.seller_holds
where lifted_at is null group by seller_id having count(*) > 1
union all
select 'a file of releases in part' from finance.hold_releases
where file_id is not null group by file_id having count(*) not in (3, 4)
union all
select 'a seller released twice from what held them' from finance.hold_releases
where seller_id in ('f3', 'f4') group by seller_id having count(*) > 1
union all
select 'a file of adjustments in part' from finance.adjustments
group by file_id having count(*) <> 3 or count(distinct approved_by) > 1
or count(approved_at) not in (0, 3) or count(withdrawn_at) not in (0, 3)
or count(approved_at) + count(withdrawn_at) > 3
union all
select 'approved by who entered it' from finance.adjustments where approved_by = entered_by
union all
select 'an account blocked twice' from finance.wallet_blocks
where lifted_at is null group by account having count(*) > 1
"""


def file(*sellers: str, **other: str) -> str:
    rows = [{"line": n, "seller_id": s} | other for n, s in enumerate(sellers, start=2)]
    return json.dumps(rows)


def wallets(*lines: Line) -> str:
    return json.dumps([{"line": n, "wallet": line.wallet} for n, line in enumerate(lines, start=2)])


ASKED = (
    *((person, HOLD, file("s1", "s10")) for person in ("ana", "ben", "cem")),
    *((person, HOLD, file("s10", "s2", "f0")) for person in ("ana", "ben")),
    *((person, RELEASE, file("f1", "f2", "f3")) for person in ("ana", "ben", "cem")),
    *((person, RELEASE, file("f0", "f2", "f3", "f4")) for person in ("ben", "cem")),
    *((person, BLOCK, wallets(*LINES)) for person in ("ana", "cem")),
    *((person, BLOCK, wallets(*LINES[1:], FLAGGED[0])) for person in ("ana", "ben")),
    *((person, APPROVE, None) for person in ("ana", "ben", "cem", "ben")),
    *((person, WITHDRAW, None) for person in ("ana", "cem")),
)


@pytest.mark.parametrize("seed", range(4))
def test_a_file_is_taken_whole_or_not_at_all_whoever_else_decides(seed: int) -> None:
    assert len(ASKED) == 20
    with Market.open() as market:
        market.close(*LINES, *FLAGGED)
        assert market.value("ana", ENTER, file("s1", "s2", "s10", amount="5.00")) == 1
        asked = list(ASKED)
        Random(seed).shuffle(asked)  # noqa: S311 - a test's dice
        connections = [market.connect(who) for who, *_ in asked]

        def run(number: int) -> str | None:
            _, query, rows = asked[number]
            try:
                connections[number].execute(query.encode(), [rows] if rows else None)
            except EXPECTED as error:
                return error.diag.message_primary
            return None

        try:
            with ThreadPoolExecutor(len(asked)) as pool:
                said = list(pool.map(run, range(len(asked))))
        finally:
            for connection in connections:
                connection.close()
        assert market.rows(OWNER, BROKEN) == [], said
        assert said.count(None) >= 4
