"""Two runs of a window at once, from 20 connections; and a second run killed at any message."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import psycopg
import pytest

from orchestrator.errors import SettleError
from tests.functions.batches.test_crashes import die_at
from tests.functions.market import LINES, Line, Market, books, rail
from tests.functions.payment_server import ORCHESTRATOR, OWNER

S3 = Line("s3", 50_000, "ERC-20", holds=("manual_review",))
S4 = Line("s4", 70_000, "SPL", holds=("manual_review",))
W47 = "'2026-W47'"
APPROVE = f"select finance.approve({W47}, (finance.payable({W47})).digest)"
RELEASE = f"select finance.release_hold({W47}, %s, 'fine')"
WITHDRAW = f"select finance.withdraw_batch({W47}, 'not now')"
PAY = ""  # settle pay, and no statement of its own
ASKED = (
    *((person, APPROVE) for person in ("ana", "ben", "cem") for _ in range(2)),
    ("ana", f"select finance.revoke_approval({W47})"),
    ("cem", RELEASE % "'s3'"),
    ("ben", RELEASE % "'s4'"),
    ("ana", "select finance.hold_seller('s3', 'a look')"),
    *((person, WITHDRAW) for person in ("ana", "cem")),
    *((ORCHESTRATOR, f"select finance.freeze_batch({W47})") for _ in range(4)),
    *((ORCHESTRATOR, PAY) for _ in range(4)),
)
EXPECTED = (psycopg.errors.RaiseException, psycopg.errors.LockNotAvailable, SettleError)
# What no order of events may bring about: rows of this are broken rules.
BROKEN = """
select 'a batch of another digest than its lines' as rule from finance.payout_batches as b
where b.digest <> finance.digest_of(b.payout_window, b.run, b.currency, array(
    select row(l.seller_id, l.amount_minor, l.rail, l.rail_currency, l.wallet_address, null)
        ::finance.seller_position
    from finance.payout_lines as l where l.batch_id = b.batch_id
))
union all
select 'a batch without an approval of its run' from finance.payout_batches as b
where not exists (
    select from finance.batch_approvals as u
    inner join finance.approvals as a on u.approval_id = a.approval_id
    where u.batch_id = b.batch_id and a.run = b.run and a.payout_window = b.payout_window
)
union all
select 'a second line' from finance.payout_lines where state <> 'rejected'
group by payout_window, seller_id having count(*) > 1
union all
select 'a second batch of a run' from finance.payout_batches where state <> 'rejected'
group by payout_window, run having count(*) > 1
union all
select 'a run before the one before was accepted' from finance.payout_batches as b
where b.run > 1 and not exists (
    select from finance.payout_batches as e
    where e.payout_window = b.payout_window and e.run = b.run - 1 and e.state = 'accepted'
    and e.batch_id < b.batch_id
)
"""


@pytest.mark.parametrize("seed", range(4))
def test_over_two_runs_whatever_comes_first_no_rule_is_broken(seed: int) -> None:
    """The first run is due and approved; meanwhile people release, approve, withdraw and pay."""
    assert len(ASKED) == 20
    with Market.open() as market, rail(auto_approve=False) as url:
        market.approved(*LINES, S3, S4)
        asked = list(ASKED)
        Random(seed).shuffle(asked)  # noqa: S311 - a test's dice
        connections = [market.connect(who) for who, _ in asked]

        def run(number: int) -> list[str]:
            reasons = []
            for _ in range(3):
                try:
                    if asked[number][1] == PAY:
                        market.pay(url)
                    else:
                        connections[number].execute(asked[number][1].encode())
                except EXPECTED as error:
                    reasons.append(str(error))
            return reasons

        with ThreadPoolExecutor(len(asked)) as pool:
            refusals = [reason for found in pool.map(run, range(20)) for reason in found]
        assert all(refusals)
        finish(market, url)
        assert market.rows(OWNER, BROKEN) == []
        lines = market.lines("seller_id, amount_minor", "state <> 'rejected'")
        expected = {line.seller: line.net_minor for line in (*LINES, S3, S4)}
        assert dict(lines).items() <= expected.items()
        assert len(lines) == len(dict(lines)) == books(url)["payouts"]
        assert {line.seller for line in LINES} <= {seller for seller, _ in lines}


def finish(market: Market, url: str) -> None:
    """Two people approve what is left, and take back what was stopped, until nothing is left."""
    for _ in range(6):
        [first, *_] = market.obstacles() or [""]
        if first.endswith(("which is accepted", "has no line that is ready")):
            return
        if "which is" not in first:
            market.approve("ana", "ben")
        try:
            market.pay(url)
        except SettleError as error:
            if "is stopped, it was never sent" not in str(error):
                raise
            market.rows("ana", WITHDRAW)
    pytest.fail(f"never paid: {market.obstacles()}")


@pytest.mark.nightly("a process for each message: make test kills a first run so")
def test_a_second_run_killed_at_any_message_pays_each_line_once() -> None:
    """As for the first run: messages are counted on the wire, each of them is one death."""
    message, deaths = 0, []
    while True:
        message += 1
        with Market.open() as market, rail(auto_approve=False) as url:
            market.approved(LINES[0], S3)
            market.pay(url)
            market.rows("cem", RELEASE % "'s3'")
            market.approve("ana")
            plug = die_at(market, url, message, None)
            frozen = market.lines("batch_id", "seller_id = 's3'")
            assert books(url)["payouts"] in (1, 1 + len(frozen)), plug.seen
            market.pay(url)
            assert (books(url)["batches"], books(url)["payouts"]) == (2, 2), plug.seen
            assert market.state() == ["accepted", "accepted"], plug.seen
            lines = market.lines("seller_id, state")
            assert lines == [("s1", "submitted"), ("s3", "submitted")], plug.seen
            assert market.kinds("breaks") == [], plug.seen
        if not plug.is_pulled:
            break
        deaths.append(plug.seen[-1])
    for step in ("freeze_batch", "begin_attempt", "rail asked", "rail answers", "conclude_call"):
        assert any(step in death for death in deaths), "\n".join(deaths)
    assert len(deaths) > 20
