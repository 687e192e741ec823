-- What a close stores of health beside its rows: each seller's sums over 30 days, straight from the
-- source tables, for facts that are good in themselves. The close's own sums must be these.
with

bounds as (

    select
        {ends_at}::timestamptz - interval '720 hours' as trailing_from,
        {ends_at}::timestamptz - interval '168 hours' as last_7_days_from,
        {ends_at}::timestamptz as ends_at

),

facts as (

    select
        f.seller_id,
        f.order_id,
        'fee' as kind,
        f.amount
    from marketplace.order_fees as f
    where
        greatest(f.charged_at, f.recorded_at) >= (select b.trailing_from from bounds as b)
        and greatest(f.charged_at, f.recorded_at) < (select b.ends_at from bounds as b)
        and f.charged_at >= (select b.trailing_from from bounds as b)
        and f.fee_type not in ('tax', 'tax_refund')

    union all

    select
        d.seller_id,
        d.order_id,
        'dispute' as kind,
        d.amount
    from marketplace.dispute_events as d
    left join (
        select
            w.seller_id,
            w.order_id,
            w.dispute_id
        from marketplace.dispute_events as w
        where
            w.event_type = 'withdrawn'
            and greatest(w.occurred_at, w.recorded_at) >= (select b.trailing_from from bounds as b)
            and greatest(w.occurred_at, w.recorded_at) < (select b.ends_at from bounds as b)
    ) as w
        on
            d.seller_id = w.seller_id
            and d.order_id = w.order_id
            and d.dispute_id = w.dispute_id
    where
        greatest(d.occurred_at, d.recorded_at) >= (select b.trailing_from from bounds as b)
        and greatest(d.occurred_at, d.recorded_at) < (select b.ends_at from bounds as b)
        and d.occurred_at >= (select b.trailing_from from bounds as b)
        and d.event_type = 'opened'
        and w.seller_id is null

    union all

    select
        r.seller_id,
        r.order_id,
        'refund' as kind,
        case when r.reverses_refund_id is null then r.amount else -r.amount end as amount
    from marketplace.refunds as r
    where
        greatest(r.refunded_at, r.recorded_at) >= (select b.trailing_from from bounds as b)
        and greatest(r.refunded_at, r.recorded_at) < (select b.ends_at from bounds as b)
        and r.refunded_at >= (select b.trailing_from from bounds as b)

),

recent as materialized (

    select
        o.seller_id,
        o.order_id,
        o.gross_amount,
        coalesce(o.exchange_rate, 1) * 100 as cents_per_unit,
        o.ordered_at
    from marketplace.orders as o
    where
        o.ordered_at >= (select b.trailing_from from bounds as b)
        and greatest(o.ordered_at, o.recorded_at) < (select b.ends_at from bounds as b)

),

paired as materialized (

    select
        f.seller_id,
        f.order_id,
        f.kind,
        f.amount,
        o.cents_per_unit
    from facts as f
    left join recent as o on f.seller_id = o.seller_id and f.order_id = o.order_id

),

valued as (

    select
        o.seller_id,
        case when o.ordered_at >= b.last_7_days_from then 'recent' else 'earlier' end as kind,
        round(o.gross_amount * o.cents_per_unit)::bigint as amount_minor
    from recent as o
    cross join bounds as b

    union all

    select
        p.seller_id,
        p.kind,
        round(p.amount * p.cents_per_unit)::bigint as amount_minor
    from paired as p
    where p.cents_per_unit is not null

    union all

    -- Of an older order.
    select
        p.seller_id,
        p.kind,
        round(p.amount * coalesce(o.exchange_rate, 1) * 100)::bigint as amount_minor
    from paired as p
    inner join marketplace.orders as o on p.seller_id = o.seller_id and p.order_id = o.order_id
    where
        p.cents_per_unit is null
        and greatest(o.ordered_at, o.recorded_at) < (select b.ends_at from bounds as b)

)

select
    seller_id,
    coalesce(sum(amount_minor) filter (where kind in ('recent', 'earlier')), 0) as gross_minor,
    coalesce(sum(amount_minor) filter (where kind = 'fee'), 0) as fees_minor,
    coalesce(sum(amount_minor) filter (where kind = 'refund'), 0) as refunds_minor,
    coalesce(sum(amount_minor) filter (where kind = 'dispute'), 0) as disputes_minor,
    coalesce(sum(amount_minor) filter (where kind = 'recent'), 0) as last_7_days_minor
from valued
group by seller_id
order by seller_id
