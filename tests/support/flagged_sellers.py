"""Hundreds of flagged sellers in a closed week, each with a week before it to compare with."""

from psycopg import Connection
from psycopg.rows import TupleRow

from tests.support.closed_week import WINDOW, WINDOW_BEFORE

STATEMENTS = (
    """
    insert into marketplace.sellers
    select
        f.seller_id, 'Flagged ' || n, 'EU', false, 'wallet of ' || f.seller_id, 'active', true,
        '2020-01-01', '2020-01-01'
    from generate_series(1, %(count)s::integer) as n
    cross join lateral (select 'flagged-' || lpad(n::text, 3, '0') as seller_id) as f
    """,
    # Every third one is above the limit as well; the one before last sold the most.
    """
    insert into finance.window_close_rows
    select
        w.payout_window, s.seller_id, 100000 + 100 * s.n, 0, 0, 0, 0, 0, 0, 500,
        100500 + 100 * s.n, 7, 0, 'ERC-20', 'USDT_ERC20', s.wallet_address, 'EU', 'active',
        array['manual_review'] || case when s.n %% 3 = 0 then array['above_maximum'] end
    from unnest(array[%(before)s, %(window)s]) as w (payout_window)
    cross join (
        select m.*, right(m.seller_id, 3)::bigint as n
        from marketplace.sellers as m where m.seller_id like 'flagged-%%'
    ) as s
    """,
    """
    insert into finance.window_close_health
    select
        r.payout_window, r.seller_id, 5000, 250, 150 + n, 30 + n / 10.0, 0.03 + n / 10000.0,
        0.01, 1.5, true, '{disputes}', '2020-01-01'
    from finance.window_close_rows as r
    cross join lateral (
        select right(r.seller_id, 3)::integer
            - case when r.payout_window = %(window)s then 0 else 1 end as n
    ) as x
    where r.seller_id like 'flagged-%%'
    """,
)


def add_flagged_sellers(owner: Connection[TupleRow], count: int) -> None:
    """As if the close of WINDOW had held so many for a review, and the one before them too."""
    named = {"count": count, "window": WINDOW, "before": WINDOW_BEFORE}
    for statement in STATEMENTS:
        owner.execute(statement.encode(), named)
