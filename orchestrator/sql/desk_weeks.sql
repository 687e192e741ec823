-- The last 12 closes as bars: what could be paid and what was held, in percent of the largest week.
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
),

sums as (
    select
        c.payout_window,
        c.window_starts_at,
        coalesce(sum(r.net_minor) filter (where cardinality(r.hold_reasons) = 0), 0) as pay_minor,
        -- Debts are held too, and are no money that waits.
        coalesce(sum(r.net_minor) filter (
            where cardinality(r.hold_reasons) > 0 and r.net_minor > 0
        ), 0) as held_minor
    from closes as c
    left join finance.window_close_rows as r on c.payout_window = r.payout_window
    group by c.payout_window, c.window_starts_at
),

largest as (
    select nullif(max(s.pay_minor + s.held_minor), 0) as minor from sums as s
)

select
    s.payout_window as week,
    coalesce(round(100 * s.pay_minor / l.minor, 1), 0) as first_pct,
    coalesce(round(100 * s.held_minor / l.minor, 1), 0) as second_pct,
    (s.pay_minor / 100)::numeric(20, 2) as to_pay,
    (s.held_minor / 100)::numeric(20, 2) as held
from sums as s
cross join largest as l
order by s.window_starts_at
