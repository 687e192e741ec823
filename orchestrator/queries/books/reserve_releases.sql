-- What leaves the reserve on which day of the settlement zone, the next 14 days, in percent of the
-- largest day. An order of which a part is held back for longer leaves it twice.
with orders as (
    select
        o.*,
        b.as_of,
        b.settlement_timezone
    from settlement.order_reserve as o
    cross join settlement_core.int_build as b
),

parts as (
    select
        (p.released_at at time zone o.settlement_timezone)::date as day,
        p.amount
    from orders as o
    cross join lateral (
        values
        (
            case when o.dispute_window_closes_at > o.as_of then o.dispute_window_closes_at end,
            o.held_amount - o.held_back
        ),
        (o.held_back_until, o.held_back)
    ) as p (released_at, amount)
    where p.released_at < (select settle_now()) + interval '14 days'
),

days as (
    select
        p.day,
        count(*) as orders,
        sum(p.amount) as amount
    from parts as p
    group by p.day
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
