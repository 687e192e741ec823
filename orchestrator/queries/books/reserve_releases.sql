-- What leaves the reserve on which day of the settlement zone, the next 14 days, in percent of the
-- largest day.
with days as (
    select
        (o.dispute_window_closes_at at time zone b.settlement_timezone)::date as day,
        count(*) as orders,
        sum(o.held_amount) as amount
    from settlement.order_reserve as o
    cross join settlement_core.int_build as b
    where o.dispute_window_closes_at < (select settle_now()) + interval '14 days'
    group by 1
),

largest as (
    select nullif(max(d.amount), 0) as amount from days as d
)

select
    to_char(d.day, 'Dy DD Mon') as day,
    coalesce(round(100 * greatest(d.amount, 0) / l.amount, 1), 0) as first_pct,
    0 as second_pct,
    d.orders,
    d.amount
from days as d
cross join largest as l
order by d.day
