-- Three windows in a row, the last the newest that is due and has at least half of a usual week's
-- releases: real data thins out at its end.
with releases as (
    select
        finance.window_starts_at(ordered_at + interval '168 hours', %(timezone)s) as starts_at,
        count(*) as order_count
    from {orders}
    group by 1
),

busy as (
    select max(starts_at) as starts_at
    from releases
    where
        order_count * 2 >= (
            select percentile_disc(0.5) within group (order by order_count) from releases
        )
        and finance.payout_due_at(starts_at, %(timezone)s, %(holidays)s::date[]) <= settle_now()
),

mondays as (
    select
        finance.window_starts_at(
            busy.starts_at - n * interval '7 days' + interval '12 hours', %(timezone)s
        ) as starts_at
    from busy
    cross join generate_series(0, 3) as n
    where busy.starts_at is not null
)

select
    finance.window_label(starts_at, %(timezone)s) as payout_window,
    finance.window_ends_at(starts_at, %(timezone)s) as window_ends_at,
    finance.payout_due_at(starts_at, %(timezone)s, %(holidays)s::date[]) as payout_due_at
from mondays
order by starts_at
