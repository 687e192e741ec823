"""Years behind a closed week, in a few statements: paid windows, and what they paid."""

from psycopg import Connection
from psycopg.rows import TupleRow

from tests.support.closed_week import WINDOW

SELLERS = 60
SELLER = "h0001"

SELL = f"""
insert into marketplace.sellers
select
    'h' || lpad(n::text, 4, '0'), 'Harbor ' || n, 'EU', false, 'wallet-' || n, 'active', true,
    '2020-01-01', '2020-01-01'
from generate_series(1, {SELLERS}) as n
"""
WINDOWS = """
create temporary table added on commit drop as
select
    finance.window_label(w.starts_at, 'UTC') as payout_window, w.starts_at,
    w.starts_at + interval '7 days' as ends_at,
    finance.payout_due_at(w.starts_at, 'UTC') as due_at
from generate_series(%(first)s::integer, %(last)s::integer) as n
cross join lateral (
    select min(c.window_starts_at) - (n - %(first)s + 1) * interval '7 days' as starts_at
    from finance.window_closes as c
) as w;
insert into settlement.windows
select a.payout_window, a.starts_at, a.ends_at, a.due_at, true, false, true from pg_temp.added as a;
insert into finance.window_closes
select
    a.payout_window, a.starts_at, a.ends_at, a.due_at, 'UTC', 'USD', 0, 0, 0, 0, 0, a.ends_at
from pg_temp.added as a
"""
# One window after another, as they are stored: those of `added`, and more sellers in the latest.
ROWS = """
insert into finance.window_close_rows
select
    a.payout_window, s.seller_id, 400, 0, 0, 0, 0, 0, 0, 0, 400, 1, 0, 'ERC-20', 'USDT_ERC20',
    s.wallet_address, 'EU', 'active', '{}'
from (select payout_window from pg_temp.added union all select %(window)s where %(first)s = 1) as a
cross join marketplace.sellers as s
where s.seller_id like 'h%%' and (s.seller_id <> %(seller)s or %(first)s = 1)
order by a.payout_window, s.seller_id;
insert into finance.window_close_health
select r.payout_window, r.seller_id, 4, 0, 0, 100, 0, 0, null, false, '{}', '2020-01-01'
from finance.window_close_rows as r
where r.seller_id like 'h%%' and not exists (
    select from finance.window_close_health as h
    where h.payout_window = r.payout_window and h.seller_id = r.seller_id
)
order by r.payout_window, r.seller_id;
insert into finance.window_close_sums
select a.payout_window, 'ERC-20', false, count(*), count(*), sum(r.net_minor), 0, sum(r.net_minor)
from pg_temp.added as a
inner join finance.window_close_rows as r on a.payout_window = r.payout_window
group by a.payout_window;
insert into marketplace.orders (
    order_id, checkout_id, seller_id, currency, gross_amount, ordered_at, recorded_at
)
select
    s.seller_id || a.payout_window, s.seller_id || a.payout_window, s.seller_id, 'USD', 4,
    a.starts_at - interval '7 days', a.starts_at - interval '7 days'
from pg_temp.added as a cross join marketplace.sellers as s where s.seller_id like 'h%%'
order by a.starts_at, s.seller_id;
insert into finance.window_close_entries
select
    r.payout_window, 'order', r.seller_id || r.payout_window, r.seller_id || r.payout_window,
    r.seller_id, 400, a.starts_at - interval '7 days', a.starts_at - interval '7 days', a.starts_at
from pg_temp.added as a
inner join finance.window_close_rows as r on a.payout_window = r.payout_window
order by r.payout_window, r.seller_id;
insert into finance.window_close_facts
select
    r.payout_window, 'orders', r.seller_id || r.payout_window, r.seller_id || r.payout_window,
    r.seller_id, a.starts_at
from pg_temp.added as a
inner join finance.window_close_rows as r on a.payout_window = r.payout_window
order by r.payout_window, r.seller_id
"""
PAID = """
insert into finance.approvals (payout_window, run, digest, currency, line_count, total_minor)
select a.payout_window, 1, 'd', 'USD', count(*), sum(r.net_minor)
from pg_temp.added as a
inner join finance.window_close_rows as r on a.payout_window = r.payout_window
group by a.payout_window;
insert into finance.approval_lines
select p.approval_id, r.seller_id, r.net_minor, r.rail, r.rail_currency, r.wallet_address
from finance.approvals as p
inner join pg_temp.added as a on p.payout_window = a.payout_window
inner join finance.window_close_rows as r on p.payout_window = r.payout_window
order by p.approval_id, r.seller_id;
insert into finance.payout_batches (
    payout_window, run, attempt, digest, currency, line_count, total_minor, frozen_at, state
)
select p.payout_window, 1, 1, 'd', 'USD', p.line_count, p.total_minor, a.due_at, 'accepted'
from finance.approvals as p inner join pg_temp.added as a on p.payout_window = a.payout_window
order by p.payout_window;
insert into finance.payout_calls (
    batch_id, sequence, idempotency_key, path, body, body_sha256, line_count, state
)
select b.batch_id, 1, b.batch_id, '/x', '', encode(sha256(''), 'hex'), b.line_count, 'accepted'
from finance.payout_batches as b inner join pg_temp.added as a on b.payout_window = a.payout_window;
insert into finance.payout_lines (
    line_id, batch_id, call_sequence, payout_window, seller_id, amount_minor, rail, rail_currency,
    wallet_address, idempotency_key, frozen_at, state, outcome_at
)
select
    md5(r.payout_window || r.seller_id), b.batch_id, 1, r.payout_window, r.seller_id, r.net_minor,
    r.rail, r.rail_currency, r.wallet_address, r.payout_window || r.seller_id, b.frozen_at,
    'completed', b.frozen_at
from finance.payout_batches as b
inner join pg_temp.added as a on b.payout_window = a.payout_window
inner join finance.window_close_rows as r on b.payout_window = r.payout_window
order by r.payout_window, r.seller_id;
insert into finance.line_windows (line_id, payout_window, seller_id, entries_minor, retaken_minor)
select l.line_id, l.payout_window, l.seller_id, l.amount_minor, 0
from finance.payout_lines as l
inner join pg_temp.added as a on l.payout_window = a.payout_window
order by l.payout_window, l.seller_id
"""


def add_windows(owner: Connection[TupleRow], first: int, last: int) -> None:
    """Paid windows before all there are, the `first` to the `last` that this adds.

    SELLER is in those that come first alone: what grows after them is the history of others.
    """
    with owner.transaction():
        if first == 1:
            owner.execute(SELL.encode())
        for statements in (WINDOWS, ROWS, PAID):
            if statements is PAID:  # in the states they end in, without those before
                owner.execute("set local session_replication_role = replica")
            for statement in statements.split(";"):
                named = {"first": first, "last": last, "window": WINDOW, "seller": SELLER}
                owner.execute(statement.encode(), named)
    owner.execute("analyze")


def mark_as_paid(owner: Connection[TupleRow], window: str) -> None:
    """A stored window of which each row that nothing held has a line that was paid; in the
    transaction of the caller."""
    owner.execute(
        "create temporary table added on commit drop as select payout_window,"
        " payout_due_at as due_at from finance.window_closes where payout_window = %s",
        [window],
    )
    owner.execute("set local session_replication_role = replica")
    ready = "(select * from finance.window_close_rows where hold_reasons = '{}') as r"
    for statement in PAID.replace("finance.window_close_rows as r", ready).split(";"):
        owner.execute(statement.encode())
    owner.execute("set local session_replication_role = origin")
    owner.execute("drop table pg_temp.added")
