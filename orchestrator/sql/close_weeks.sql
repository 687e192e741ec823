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
    case when cardinality(r.hold_reasons) = 0 then r.rail else 'held' end as kind,
    (sum(r.net_minor) / 100)::numeric(20, 2)::text as amount
from closes as c
inner join finance.window_close_rows as r on c.payout_window = r.payout_window
-- Debts are held too, and would draw the bar below the line.
where r.net_minor > 0
group by c.payout_window, c.window_starts_at, kind
order by c.window_starts_at, kind
