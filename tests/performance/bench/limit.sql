-- One window's rows straight from the source tables, for facts that are good in themselves: the
-- least that a close has to compute. Runs in Postgres and in DuckDB, and the close's own rows must
-- be these. Nothing was paid before, so what is carried in is what the close before left.
with

bounds as (

    select
        {starts_at}::timestamptz as starts_at,
        {ends_at}::timestamptz as ends_at,
        {as_of}::timestamptz as as_of

),

-- Orders that are released in the window or later; what else falls into it became known since.
recent as materialized (

    select
        o.order_id,
        o.seller_id,
        (o.gross_amount * 100)::bigint as gross_minor,
        o.ordered_at + interval '168 hours' as release_at,
        greatest(o.ordered_at, o.recorded_at) as known_at
    from marketplace.orders as o
    where
        o.ordered_at >= (select b.starts_at - interval '168 hours' from bounds as b)
        and greatest(o.ordered_at, o.recorded_at) <= (select b.as_of from bounds as b)

),

fees as materialized (

    select
        f.order_id,
        f.seller_id,
        (f.amount * 100)::bigint as fee_minor,
        greatest(f.charged_at, f.recorded_at) as known_at
    from marketplace.order_fees as f
    where
        greatest(f.charged_at, f.recorded_at)
        >= (select b.starts_at - interval '168 hours' from bounds as b)
        and greatest(f.charged_at, f.recorded_at) <= (select b.as_of from bounds as b)

),

older_fees as materialized (

    select f.* from fees as f
    where
        f.known_at >= (select b.starts_at from bounds as b)
        and not exists (select 1 from recent as r where r.order_id = f.order_id)

),

claimed as materialized (

    select r.order_id from marketplace.refunds as r
    where
        greatest(r.refunded_at, r.recorded_at)
        >= (select b.starts_at - interval '168 hours' from bounds as b)
    union
    select d.order_id from marketplace.dispute_events as d
    where
        greatest(d.occurred_at, d.recorded_at)
        >= (select b.starts_at - interval '168 hours' from bounds as b)

),

claimed_orders as materialized (

    select
        o.order_id,
        o.seller_id,
        (o.gross_amount * 100)::bigint as gross_minor,
        o.ordered_at + interval '168 hours' as release_at,
        greatest(o.ordered_at, o.recorded_at) as known_at,
        date_trunc(
            'week', greatest(o.ordered_at + interval '168 hours', o.recorded_at)
        ) + interval '7 days' as paying_window_ends_at
    from claimed as c
    inner join marketplace.orders as o on c.order_id = o.order_id

),

events as materialized (

    select
        d.*,
        (d.amount * 100)::bigint as amount_minor,
        greatest(d.occurred_at, d.recorded_at, o.known_at) as known_at,
        o.gross_minor,
        o.release_at,
        o.paying_window_ends_at,
        row_number() over (
            partition by d.dispute_id, d.event_type = 'opened'
            order by
                greatest(d.occurred_at, d.recorded_at, o.known_at), d.occurred_at,
                d.dispute_event_id
        ) as number
    from claimed_orders as o
    inner join marketplace.dispute_events as d on o.order_id = d.order_id
    where greatest(d.occurred_at, d.recorded_at) <= (select b.as_of from bounds as b)

),

claims as (

    select
        r.order_id,
        o.seller_id,
        o.gross_minor,
        o.release_at,
        'refund' as kind,
        1 as claim_rank,
        r.refund_id as claim_id,
        (r.amount * 100)::bigint as claimed_minor,
        r.refunded_at as occurred_at,
        greatest(r.refunded_at, r.recorded_at, o.known_at) as known_at
    from claimed_orders as o
    inner join marketplace.refunds as r on o.order_id = r.order_id
    where greatest(r.refunded_at, r.recorded_at) <= (select b.as_of from bounds as b)

    union all

    select
        e.order_id,
        e.seller_id,
        e.gross_minor,
        e.release_at,
        'dispute' as kind,
        2 as claim_rank,
        e.dispute_event_id as claim_id,
        e.amount_minor as claimed_minor,
        e.occurred_at,
        e.known_at
    from events as e
    where
        e.event_type = 'opened'
        and e.number = 1
        and e.occurred_at < e.release_at
        and e.known_at < e.paying_window_ends_at

    union all

    select
        w.order_id,
        w.seller_id,
        w.gross_minor,
        w.release_at,
        'dispute' as kind,
        3 as claim_rank,
        w.dispute_event_id as claim_id,
        -least(w.amount_minor, e.amount_minor) as claimed_minor,
        greatest(w.occurred_at, e.occurred_at) as occurred_at,
        greatest(w.known_at, e.known_at) as known_at
    from events as e
    inner join events as w on e.dispute_id = w.dispute_id
    where
        e.event_type = 'opened'
        and e.number = 1
        and e.occurred_at < e.release_at
        and e.known_at < e.paying_window_ends_at
        and w.event_type = 'won'
        and w.number = 1

),

running as (

    select
        c.*,
        (sum(c.claimed_minor) over (
            partition by c.order_id
            order by c.known_at, c.occurred_at, c.claim_rank, c.claim_id
            rows unbounded preceding
        ))::bigint as running_minor
    from claims as c

),

entries as (

    select
        r.seller_id,
        'order' as kind,
        r.gross_minor as amount_minor,
        greatest(r.known_at, r.release_at) as available_at
    from recent as r

    union all

    select
        f.seller_id,
        'fee' as kind,
        f.fee_minor as amount_minor,
        greatest(f.known_at, r.known_at, r.release_at) as available_at
    from fees as f
    inner join recent as r on f.order_id = r.order_id

    union all

    select
        f.seller_id,
        'fee' as kind,
        f.fee_minor as amount_minor,
        greatest(
            f.known_at, o.ordered_at + interval '168 hours', o.recorded_at
        ) as available_at
    from older_fees as f
    inner join marketplace.orders as o on f.order_id = o.order_id

    union all

    select
        c.seller_id,
        c.kind,
        greatest(0, least(c.running_minor, c.gross_minor))
        - greatest(0, least(c.running_minor - c.claimed_minor, c.gross_minor)) as amount_minor,
        greatest(c.known_at, c.release_at) as available_at
    from running as c

    union all

    select
        a.seller_id,
        'adjustment' as kind,
        a.amount_minor,
        a.approved_at as available_at
    from finance.adjustments as a
    where a.approved_at <= (select b.as_of from bounds as b)

),

judged as (

    select
        e.seller_id,
        e.kind,
        e.amount_minor,
        e.available_at < b.ends_at as is_due,
        e.available_at > b.as_of as is_pending
    from entries as e
    cross join bounds as b
    where e.available_at >= b.starts_at

),

sums as (

    select
        seller_id,
        coalesce(sum(amount_minor) filter (where is_due and kind = 'order'), 0) as gross_minor,
        coalesce(sum(amount_minor) filter (where is_due and kind = 'fee'), 0) as fees_minor,
        coalesce(sum(amount_minor) filter (where is_due and kind = 'refund'), 0) as refunds_minor,
        coalesce(sum(amount_minor) filter (where is_due and kind = 'dispute'), 0)
            as disputes_minor,
        coalesce(sum(amount_minor) filter (where is_due and kind = 'adjustment'), 0)
            as adjustments_minor,
        count(*) filter (where is_due and kind = 'order') as order_count,
        count(*) filter (where is_due and amount_minor <> 0) as entry_count,
        coalesce(sum(amount_minor) filter (where is_pending and kind = 'order'), 0)
        - coalesce(sum(amount_minor) filter (where is_pending and kind <> 'order'), 0)
            as pending_minor
    from judged
    group by seller_id

),

final as (

    select
        coalesce(s.seller_id, c.seller_id) as seller_id,
        coalesce(s.gross_minor, 0)::bigint as gross_minor,
        coalesce(s.fees_minor, 0)::bigint as fees_minor,
        coalesce(s.refunds_minor, 0)::bigint as refunds_minor,
        coalesce(s.disputes_minor, 0)::bigint as disputes_minor,
        coalesce(s.adjustments_minor, 0)::bigint as adjustments_minor,
        coalesce(c.net_minor, 0)::bigint as carried_forward_minor,
        (
            coalesce(
                s.gross_minor - s.fees_minor - s.refunds_minor - s.disputes_minor
                + s.adjustments_minor, 0
            )
            + coalesce(c.net_minor, 0)
        )::bigint as net_minor,
        coalesce(s.order_count, 0)::bigint as order_count,
        coalesce(s.pending_minor, 0)::bigint as pending_minor,
        coalesce(s.entry_count, 0) > 0 or coalesce(c.net_minor, 0) <> 0 as is_in_window
    from sums as s
    full outer join (
        select
            r.seller_id,
            r.net_minor
        from finance.window_close_rows as r
        where r.payout_window = {window_before}
    ) as c on s.seller_id = c.seller_id

)

select
    seller_id,
    gross_minor,
    fees_minor,
    refunds_minor,
    disputes_minor,
    adjustments_minor,
    carried_forward_minor,
    net_minor,
    order_count,
    pending_minor
from final
where is_in_window
order by seller_id
