-- The rows of a window's run (without run: the current one) that would be paid, or were frozen; the
-- digest beside them names exactly these. No row where there is no digest: no such run, not stored, or
-- its amounts have moved on.
with frozen as (
    select
        b.digest,
        b.run,
        b.batch_id
    from finance.payout_batches as b
    where
        b.payout_window = %(window)s and b.state <> 'rejected'
        and b.run = coalesce(%(run)s::integer, finance.current_run(%(window)s))
),

named as (
    select * from frozen
    union all
    select
        p.digest,
        p.run,
        null
    from finance.payable(%(window)s) as p
    where
        %(window)s = finance.latest_closed_window()
        and p.run = coalesce(%(run)s::integer, p.run)
        and not exists (select from frozen as f where f.run = p.run)
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
