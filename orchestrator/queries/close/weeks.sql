-- The last 12 closes for a chart: what could be paid by rail, and what was held, as they were.
with closes as (
    select
        c.payout_window,
        c.window_starts_at
    from finance.window_closes as c
    where c.window_starts_at <= (
        select t.window_starts_at from finance.window_closes as t
        where t.payout_window = %(window)s
    )
    order by c.window_starts_at desc
    limit 12
)

select
    c.payout_window as week,
    case when w.is_held then 'held' else w.rail end as kind,
    (sum(w.waiting_minor) / 100)::numeric(20, 2)::text as amount
from closes as c
inner join finance.window_close_sums as w on c.payout_window = w.payout_window
where w.waiting_minor > 0
group by c.payout_window, c.window_starts_at, kind
order by c.window_starts_at, kind
