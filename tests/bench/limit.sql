-- One window's money per seller straight from the source tables, for clean facts and seven days of
-- reserve: the least that any close has to compute. Runs in Postgres and in DuckDB.
with bounds as (
    select
        timestamptz '2026-11-09 00:00:00+00' as starts_at,
        timestamptz '2026-11-16 00:00:00+00' as ends_at,
        timestamptz '2026-11-02 00:00:00+00' as ordered_from
),

released as (
    select
        o.order_id,
        o.seller_id,
        o.gross_amount,
        greatest(o.ordered_at + interval '168 hours', o.recorded_at) as available_at
    from marketplace.orders as o, bounds as b
    where o.ordered_at >= b.ordered_from and o.ordered_at < b.ends_at
),

gross as (
    select r.seller_id, sum(r.gross_amount) as gross
    from released as r, bounds as b
    where r.available_at >= b.starts_at and r.available_at < b.ends_at
    group by r.seller_id
),

-- A fee of the orders released in the window, or one that became known in it.
fee_ids as (
    select f.fee_id
    from marketplace.order_fees as f
    inner join released as r on f.order_id = r.order_id
    union
    select f.fee_id
    from marketplace.order_fees as f, bounds as b
    where
        greatest(f.charged_at, f.recorded_at) >= b.starts_at
        and greatest(f.charged_at, f.recorded_at) < b.ends_at
),

fees as (
    select f.seller_id, sum(f.amount) as fees
    from fee_ids as i
    inner join marketplace.order_fees as f on i.fee_id = f.fee_id
    inner join marketplace.orders as o on f.order_id = o.order_id, bounds as b
    where
        greatest(o.ordered_at + interval '168 hours', o.recorded_at, f.charged_at, f.recorded_at)
        >= b.starts_at
        and greatest(
            o.ordered_at + interval '168 hours', o.recorded_at, f.charged_at, f.recorded_at
        ) < b.ends_at
    group by f.seller_id
)

select
    coalesce(g.seller_id, f.seller_id) as seller_id,
    coalesce(g.gross, 0) as gross,
    coalesce(f.fees, 0) as fees
from gross as g
full join fees as f on g.seller_id = f.seller_id
