-- The latest windows, newest first: what is ready, at the rail, paid, failed and held.
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
    w.net::text as net
from settlement.window_summary as w
left join settlement.seller_settlement as s on w.payout_window = s.payout_window
left join finance.payout_batches as b
    on w.payout_window = b.payout_window and b.state <> 'rejected'
where coalesce(w.payout_window = %(window)s, true)
group by w.payout_window, w.window_starts_at, w.is_closed, w.is_stored, b.state, w.net
order by w.window_starts_at desc
limit 8
