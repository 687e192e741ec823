-- The last 12 closes as bars: what could be paid and what was held. In percent of the largest week,
-- and as a row that needs no picture, where a bar of 20 is the largest payout.
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
        coalesce(sum(w.net_minor) filter (where not w.is_held), 0) as pay_minor,
        coalesce(sum(w.waiting_minor) filter (where w.is_held), 0) as held_minor
    from closes as c
    left join finance.window_close_sums as w on c.payout_window = w.payout_window
    group by c.payout_window, c.window_starts_at
),

largest as (
    select
        nullif(max(s.pay_minor), 0) as pay_minor,
        nullif(max(s.pay_minor + s.held_minor), 0) as week_minor
    from sums as s
)

select
    s.payout_window as week,
    repeat('█', round(20 * s.pay_minor / l.pay_minor)::integer) as bar,
    coalesce(round(100 * s.pay_minor / l.week_minor, 1), 0) as first_pct,
    coalesce(round(100 * s.held_minor / l.week_minor, 1), 0) as second_pct,
    round(finance.decimal_amount(s.pay_minor)) as to_pay,
    round(finance.decimal_amount(s.held_minor)) as held
from sums as s
cross join largest as l
order by s.window_starts_at
