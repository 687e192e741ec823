-- What could be paid at the close, by rail, beside last week and the mean of the 4 weeks before it;
-- the last row is all rails together.
with closes as (
    select
        c.payout_window,
        row_number() over (order by c.window_starts_at desc) as age
    from finance.window_closes as c
    where c.window_starts_at <= (
        select t.window_starts_at from finance.window_closes as t
        where t.payout_window = %(window)s
    )
    order by c.window_starts_at desc
    limit 5
),

before as (
    select nullif(count(*), 0) as week_count from closes as c where c.age > 1
),

ready as (
    select
        w.rail,
        c.age,
        w.row_count,
        w.net_minor
    from finance.window_close_sums as w
    inner join closes as c on w.payout_window = c.payout_window
    where not w.is_held
),

sums as (
    select
        coalesce(r.rail, 'all') as rail,
        grouping(r.rail) as is_all,
        coalesce(sum(r.row_count) filter (where r.age = 1), 0)::bigint as lines,
        coalesce(sum(r.net_minor) filter (where r.age = 1), 0) as minor,
        case
            when b.week_count > 0
                then coalesce(sum(r.net_minor) filter (where r.age = 2), 0)
        end as last_minor,
        coalesce(sum(r.net_minor) filter (where r.age > 1), 0) / b.week_count as mean_minor
    from ready as r
    cross join before as b
    group by rollup (r.rail), b.week_count
)

select
    s.rail,
    s.lines,
    finance.decimal_amount(s.minor) as to_pay,
    finance.decimal_amount(s.last_minor) as last_week,
    finance.decimal_amount(s.minor - s.last_minor) as change,
    round(100 * (s.minor - s.last_minor) / nullif(s.last_minor, 0), 1) as pct,
    finance.decimal_amount(s.mean_minor) as mean_4_weeks,
    round(100 * (s.minor - s.mean_minor) / nullif(s.mean_minor, 0), 1) as pct_off_mean
from sums as s
order by s.is_all, s.rail
