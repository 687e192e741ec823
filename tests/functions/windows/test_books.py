"""The books on a real database: two paid weeks with everything that can become of a line."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestrator.config import Component
from orchestrator.database.connection import connect, rows, rows_of
from tests.functions.paid_weeks import PaidWeeks
from tests.support.closed_week import NOW, WINDOW

SECOND, THIRD = "2026-W47", "2026-W48"
SATURDAY = timedelta(days=4)
DAY, WEEK = timedelta(days=1), timedelta(days=7)

RESERVE = """
select sum(pending_balance + available_balance), sum(in_transit), sum(paid_out)
from settlement.seller_reserve
"""
LAST_PERIODS = """
select
    (array_agg(closing_balance order by starts_at desc))[1],
    (array_agg(closing_in_transit order by starts_at desc))[1],
    sum(paid)
from settlement.liability_rollforward
group by period_type having max(ends_at) > settle_now()
"""
# Once more, without what the closes have summed.
KNOWN = """
select
    r.period_type, r.period, r.orders, r.fees, r.taxes, r.refunds, r.disputes, r.charges,
    r.opening_balances, r.sent
from settlement.liability_rollforward as r
cross join lateral (
    select
        coalesce(sum(e.amount_minor) filter (where e.entry_type in ('order', 'holdback')), 0)
            as orders,
        coalesce(-sum(e.amount_minor) filter (where e.entry_type = 'fee'), 0) as fees,
        coalesce(-sum(e.amount_minor) filter (where e.entry_type = 'tax'), 0) as taxes,
        coalesce(-sum(e.amount_minor) filter (where e.entry_type like 'refund%'), 0) as refunds,
        coalesce(-sum(e.amount_minor) filter (where e.entry_type like 'dispute%'), 0) as disputes,
        coalesce(-sum(e.amount_minor) filter (where e.entry_type = 'charge'), 0) as charges,
        coalesce(sum(e.amount_minor) filter (where e.entry_type = 'opening_balance'), 0) as opening
    from settlement.entries as e where e.known_at >= r.starts_at and e.known_at < r.ends_at
) as e
cross join lateral (
    select coalesce(sum(l.amount_minor), 0) as sent from finance.payout_lines as l
    where l.frozen_at >= r.starts_at and l.frozen_at < r.ends_at
) as l
where (100 * r.orders, 100 * r.fees, 100 * r.taxes, 100 * r.refunds, 100 * r.disputes)
    <> (e.orders, e.fees, e.taxes, e.refunds, e.disputes)
    or (100 * r.charges, 100 * r.opening_balances, 100 * r.sent) <> (e.charges, e.opening, l.sent)
"""
# The journal's own test, in the words of its accounts.
UNBALANCED = """
select journal_month, payout_window, kind, detail from settlement.journal_entries
group by 1, 2, 3, 4 having sum(debit) <> sum(credit) or count(*) <> 2
"""
MONTHS = """
select r.period from settlement.liability_rollforward as r
cross join lateral (
    select
        coalesce(sum(j.credit - j.debit) filter (where j.account like '%:Sellers:%'), 0) as owed,
        coalesce(sum(j.credit - j.debit) filter (where j.account like '%:InTransit'), 0)
            as in_transit
    from settlement.journal_entries as j where j.journal_month <= r.period
) as j
where r.period_type = 'month'
    and (j.owed, j.in_transit) <> (r.closing_balance, r.closing_in_transit)
"""
PENDING = """
select coalesce(sum(j.credit - j.debit), 0)
    = (select sum(r.pending_balance) from settlement.seller_reserve as r)
from settlement.journal_entries as j where j.account = 'Liabilities:Sellers:Reserve'
"""
RAIL = """
select sum(j.debit - j.credit), (select round(sum(l.amount), 2) from halfin.ledger_entries as l)
from settlement.journal_entries as j where j.account = 'Assets:Rail'
"""
RECEIPTS = """
select l.line_id from finance.payout_lines as l
where l.amount_minor is distinct from (
    select 100 * sum(r.amount) from settlement.receipts as r where r.line_id = l.line_id
)
union all
select r.source_id from settlement.receipts as r
inner join finance.payout_lines as l on r.line_id = l.line_id
where l.returned_at is null
group by r.seller_id, r.entry_type, r.source_id having count(*) > 1
"""
STATUSES = """
select
    count(*) filter (where s.status = 'ready'), count(*) filter (where s.status = 'submitted'),
    count(*) filter (where s.status = 'paid'), count(*) filter (where s.status = 'failed'),
    count(*) filter (where s.status = 'held'),
    coalesce(sum(s.net) filter (where s.status = 'paid'), 0.00)::text,
    (select w.net::text from settlement.window_summary as w where w.payout_window = %(window)s)
from settlement.seller_settlement as s where s.payout_window = %(window)s
"""
WEEKS = """
select coalesce(json_agg(json_build_object(
    'payout_window', p.payout_window, 'gross', p.gross::text, 'fees', p.fees::text,
    'taxes', p.taxes::text, 'refunds', p.refunds::text, 'disputes', p.disputes::text,
    'charges', p.charges::text, 'adjustments', p.adjustments::text,
    'carried_forward', p.carried_forward::text,
    'net', p.net::text, 'rail', p.rail, 'status', p.status,
    'hold_reason', p.hold_reason, 'failure_reason', p.failure_reason
) order by p.window_starts_at desc), '[]')
from settlement.seller_settlement as p where p.seller_id = %(seller)s
"""
ENDED = "select * from settlement.liability_rollforward where ends_at <= settle_now()"
BY_STATUS = """
    select status, count(*) as sellers, sum(net) as amount
    from settlement.seller_settlement
    where payout_window = %(window)s
    group by status
    order by status
"""


class Books(PaidWeeks):
    """The same, with the books looked at after each step."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: set[Any] = set()

    def check(self) -> None:
        [reserve] = self.rows(RESERVE)
        assert self.rows(LAST_PERIODS) == [reserve, reserve]
        assert self.rows(KNOWN) == []
        assert self.rows(RECEIPTS) == []
        assert self.rows(UNBALANCED) == self.rows(MONTHS) == []
        assert self.value(PENDING) is True
        # What came since has changed no period that had ended.
        ended = set(self.rows(ENDED))
        assert self.ended <= ended
        self.ended = ended


@pytest.fixture(scope="module")
def books() -> Books:
    """One seller is paid after a second look, one a week later, one twice; the others are paid."""
    books = Books()
    for weeks in range(2):
        books.sell(NOW + SATURDAY + weeks * WEEK)
    books.check()
    batch = books.freeze(WINDOW)
    books.check()
    twice, later, doubted, last, *others = books.sellers(WINDOW)
    books.accept(batch)
    assert books.outcome("completed", "webhook", WINDOW, *others) == {"completed"}
    assert books.outcome("failed", "webhook", WINDOW, twice, later, doubted) == {"failed"}
    books.check()
    books.wait(DAY)
    assert books.outcome("failed", "lookup", WINDOW, twice, later) == {"returned"}
    books.check()
    assert books.outcome("completed", "webhook", WINDOW, doubted) == {"completed"}
    books.check()
    books.close(SECOND)
    books.check()
    books.reject(books.freeze(SECOND))
    books.check()
    books.wait(timedelta(hours=1))
    books.accept(books.freeze(SECOND))
    books.outcome("completed", "webhook", SECOND, *books.sellers(SECOND))
    books.check()
    assert books.outcome("completed", "lookup", WINDOW, twice, last) == {"completed"}
    books.check()
    books.close(THIRD)
    books.check()
    books.freeze(THIRD)
    books.check()
    return books


def items(books: Books, window: str, seller: str) -> list[tuple[Any, ...]]:
    """What the seller's standing line of a window pays, per window and kind of item."""
    query = (
        "select r.entry_window, r.is_carried_in, r.entry_type = 'completed_after_all',"
        " sum(r.amount) from settlement.receipts as r inner join finance.payout_lines as l"
        " on r.line_id = l.line_id and l.state <> 'rejected'"
        " where r.payout_window = %(w)s and r.seller_id = %(s)s group by 1, 2, 3 order by 1, 3"
    )
    return books.rows(query, w=window, s=seller)


def paid_first(books: Books) -> tuple[list[str], dict[str, Decimal]]:
    lines = dict(
        books.rows(
            "select seller_id, amount from settlement.payouts where payout_window = %(w)s", w=WINDOW
        )
    )
    return books.sellers(WINDOW), lines


def test_a_line_pays_the_week_that_came_back_with_its_own(books: Books) -> None:
    (_, later, *_), first = paid_first(books)
    shown = items(books, SECOND, later)
    assert [item[:3] for item in shown][-1] == (SECOND, False, False)
    assert sum(amount for _, is_carried_in, _, amount in shown if is_carried_in) == first[later]


def test_what_was_paid_twice_comes_off_the_next_line(books: Books) -> None:
    (twice, *_), first = paid_first(books)
    assert items(books, THIRD, twice)[-1] == (THIRD, False, True, -first[twice])


def test_payouts_say_what_became_of_each_line(books: Books) -> None:
    (twice, later, doubted, *_), _ = paid_first(books)
    query = (
        "select seller_id, status, is_returned, consecutive_failures, rail_fee"
        " from settlement.payouts where payout_window = %(w)s and seller_id = any(%(s)s)"
    )
    fee = Decimal("1.35")
    assert sorted(books.rows(query, w=WINDOW, s=[twice, later, doubted])) == sorted(
        [
            (twice, "paid", False, 0, fee),
            (later, "failed", True, 1, None),
            (doubted, "paid", False, 0, fee),
        ]
    )
    states = "select attempt, status, count(*) from settlement.payouts where payout_window = %(w)s"
    count = len(books.sellers(SECOND))
    assert books.rows(states + " group by 1, 2 order by 1", w=SECOND) == [
        (1, "rejected", count),
        (2, "paid", count),
    ]


def test_the_rails_ledger_closes_the_reconciliation(books: Books) -> None:
    query = (
        "select payout_window, bool_and(is_reconciled), bool_or(is_reconciled),"
        " sum(difference) < 0, sum(open_count) from settlement.reconciliation"
        " group by 1 order by 1"
    )
    waiting = len(books.sellers(THIRD))
    assert books.rows(query) == [
        (WINDOW, False, False, True, 0),
        (SECOND, False, False, True, 0),
        (THIRD, False, False, False, waiting),
    ]
    books.read_ledger()
    assert books.rows(query) == [
        (WINDOW, True, True, False, 0),
        (SECOND, True, True, False, 0),
        (THIRD, False, False, False, waiting),
    ]
    # A payout of other money than its line's: nothing moves, and it is there until it is closed.
    books.rows(
        "select finance.open_break('mismatch', line_id, 'test') from finance.payout_lines"
        " where payout_window = %(w)s and state = 'completed' limit 1",
        w=SECOND,
    )
    books.wait(timedelta(hours=3))
    [(window, seller, age)] = books.rows(
        "select payout_window, seller_id is not null, age_hours from settlement.open_breaks"
    )
    assert (window, seller, age) == (SECOND, True, Decimal("3.0"))
    assert books.rows(query)[1][:2] == (SECOND, False)


def test_the_journal_has_the_money_at_the_rail_that_its_ledger_has(books: Books) -> None:
    books.read_ledger()
    [(at_the_rail, ledger)] = books.rows(RAIL)
    assert at_the_rail == ledger < 0


def test_pages_and_status_say_what_the_views_say(books: Books) -> None:
    """They read the tables, for speed; the views define what a status is."""
    with connect(books.settings, Component.ORCHESTRATOR, is_read_only=True) as database:
        shown = rows_of(database, "window/status", window=None)
        assert len({row["state"] for row in shown}) >= 3
        for row in shown:
            assert row.items() >= counted(books, row["payout_window"]).items()
        for window in (WINDOW, SECOND, THIRD):
            named = {"window": window, "limit": 50}
            [positions] = rows_of(database, "window/positions", **named)
            assert positions["statuses"] == rows(database, BY_STATUS, **named)
        for (seller,) in books.rows("select seller_id from settlement.seller_accounts"):
            [row] = rows_of(database, "seller/statement", seller=seller)
            assert row["statement"]["payouts"] == books.value(WEEKS, seller=seller)


def counted(books: Books, window: str) -> dict[str, Any]:
    [found] = books.rows(STATUSES, window=window)
    names = ("ready", "submitted", "paid", "failed", "held", "paid_amount", "net")
    return dict(zip(names, found, strict=True))
