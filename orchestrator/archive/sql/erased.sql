-- The sellers of these windows whose name and wallets were erased.
select e.seller_id
from finance.erasures as e
where
    e.approved_at is not null
    and e.seller_id in (
        select r.seller_id from finance.window_close_rows as r
        where r.payout_window = any(%(windows)s)
    )
order by e.seller_id
