-- The rows of a window's current run that would be paid, or were frozen; the digest beside them names
-- exactly these. No row where the window has no digest: not stored, or its amounts have moved on.
with named as (
    select
        p.digest,
        p.run,
        b.batch_id
    from finance.payable(%(window)s) as p
    left join finance.payout_batches as b
        on b.payout_window = %(window)s and p.run = b.run and b.state <> 'rejected'
    where %(window)s = finance.latest_closed_window() or b.batch_id is not null
)

select
    n.digest,
    s.*,
    r.rail_currency,
    n.run
from named as n
left join (
    settlement.seller_settlement as s
    inner join finance.window_close_rows as r
        on s.payout_window = r.payout_window and s.seller_id = r.seller_id
    left join finance.payout_lines as l
        on
            r.payout_window = l.payout_window
            and r.seller_id = l.seller_id
            and l.state <> 'rejected'
)
    on
        s.payout_window = %(window)s
        and case when n.batch_id is null then s.status = 'ready' else l.batch_id = n.batch_id end
order by s.seller_id collate "C"
