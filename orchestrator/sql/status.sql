-- The latest windows, newest first: what is ready, at the rail, paid, failed, held and left out.
with windows as (
    select s.*
    from settlement.window_summary as s
    where coalesce(s.payout_window = %(window)s, true)
    order by s.window_starts_at desc
    limit 8
),

breaks as (
    select
        x.payout_window,
        count(*) as open_breaks
    from finance.breaks as k
    -- A break names a line, its payout, or a call.
    cross join lateral (
        select l.payout_window from finance.payout_lines as l where l.line_id = k.subject
        union
        select l.payout_window from finance.payout_lines as l where l.payout_id = k.subject
        union
        select b.payout_window from finance.payout_calls as c
        inner join finance.payout_batches as b on c.batch_id = b.batch_id
        where c.batch_id || '/' || c.sequence = k.subject
    ) as x
    where k.closed_at is null
    group by x.payout_window
)

select
    w.payout_window,
    case when b.state is not null then b.state when not w.is_closed then 'open'
        when w.is_stored then 'stored' else 'closed' end as state,
    count(*) filter (where s.status = 'ready') as ready,
    count(*) filter (where s.status = 'submitted') as submitted,
    count(*) filter (where s.status = 'paid') as paid,
    count(*) filter (where s.status = 'failed') as failed,
    count(*) filter (where s.status = 'held') as held,
    coalesce(sum(s.net) filter (where s.status = 'paid'), 0.00)::text as paid_amount,
    coalesce(sum(s.net) filter (where s.status = 'failed'), 0.00)::text as failed_amount,
    w.net::text as net,
    (select count(*) from finance.batch_left_out as x where x.batch_id = b.batch_id) as left_out,
    coalesce(k.open_breaks, 0) as open_breaks
from windows as w
left join settlement.seller_settlement as s
    on
        w.payout_window = s.payout_window
        -- As an array it reaches the tables, and only these windows are read.
        and s.payout_window = any(array(select n.payout_window from windows as n))
left join finance.payout_batches as b
    on w.payout_window = b.payout_window and b.state <> 'rejected'
left join breaks as k on w.payout_window = k.payout_window
group by
    w.payout_window, w.window_starts_at, w.is_closed, w.is_stored, b.batch_id, b.state, w.net,
    k.open_breaks
order by w.window_starts_at desc
