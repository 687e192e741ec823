-- One window's rows straight from the source tables, for facts that are good in themselves, of
-- sellers under the standard policy: the least that a close has to compute. Runs in Postgres and in
-- DuckDB, and the close's own rows must be these. Nothing was paid before, so what is carried in is
-- what the close before left.
with

bounds as (

    select
        {starts_at}::timestamptz as starts_at,
        {starts_at}::timestamptz - interval '168 hours' as ordered_from,
        {ends_at}::timestamptz as ends_at,
        {as_of}::timestamptz as as_of

),

fees as materialized (

    select
        f.seller_id,
        f.order_id,
        f.fee_type in ('tax', 'tax_refund') as is_tax,
        f.amount,
        greatest(f.charged_at, f.recorded_at) as known_at
    from marketplace.order_fees as f
    where
        greatest(f.charged_at, f.recorded_at) >= (select b.ordered_from from bounds as b)
        and greatest(f.charged_at, f.recorded_at) <= (select b.as_of from bounds as b)

),

-- Orders that are released in the window or later, and older ones of which something became known.
touched as materialized (

    select f.seller_id, f.order_id from fees as f
    where f.known_at >= (select b.starts_at from bounds as b)
    union
    select r.seller_id, r.order_id from marketplace.refunds as r
    where greatest(r.refunded_at, r.recorded_at) >= (select b.ordered_from from bounds as b)
    union
    select d.seller_id, d.order_id from marketplace.dispute_events as d
    where greatest(d.occurred_at, d.recorded_at) >= (select b.ordered_from from bounds as b)

),

wanted as materialized (

    select o.seller_id, o.order_id from marketplace.orders as o
    where o.ordered_at >= (select b.ordered_from from bounds as b)
    union
    select t.seller_id, t.order_id from touched as t

),

orders as materialized (

    select
        o.seller_id,
        o.order_id,
        o.gross_amount,
        coalesce(o.exchange_rate, 1) * 100 as cents_per_unit,
        o.ordered_at + interval '168 hours' as release_at,
        greatest(o.ordered_at, o.recorded_at) as known_at,
        date_trunc(
            'week', greatest(o.ordered_at + interval '168 hours', o.recorded_at)
        ) + interval '7 days' as paying_window_ends_at
    from wanted as w
    inner join marketplace.orders as o
        on w.seller_id = o.seller_id and w.order_id = o.order_id
    where greatest(o.ordered_at, o.recorded_at) <= (select b.as_of from bounds as b)

),

claimed as materialized (

    select o.* from touched as t
    inner join orders as o on t.seller_id = o.seller_id and t.order_id = o.order_id

),

refunds as (

    select
        r.seller_id,
        r.order_id,
        r.refund_id,
        r.reverses_refund_id,
        r.amount,
        r.refunded_at,
        greatest(r.refunded_at, r.recorded_at, o.known_at) as known_at
    from claimed as o
    inner join marketplace.refunds as r
        on o.seller_id = r.seller_id and o.order_id = r.order_id
    where greatest(r.refunded_at, r.recorded_at) <= (select b.as_of from bounds as b)

),

reversals as (

    select
        r.seller_id,
        r.order_id,
        r.refund_id,
        r.amount,
        f.amount as refunded_amount,
        r.refunded_at,
        greatest(r.known_at, f.refunded_at, f.recorded_at) as known_at,
        sum(r.amount) over (
            partition by r.seller_id, r.reverses_refund_id
            order by
                greatest(r.known_at, f.refunded_at, f.recorded_at), r.refunded_at, r.refund_id
            rows unbounded preceding
        ) as reversed_amount
    from refunds as r
    inner join marketplace.refunds as f
        on r.seller_id = f.seller_id and r.reverses_refund_id = f.refund_id

),

opened as (

    select distinct on (d.seller_id, d.order_id, d.dispute_id)
        d.seller_id,
        d.order_id,
        d.dispute_id,
        o.release_at,
        o.paying_window_ends_at,
        d.occurred_at as opened_at,
        greatest(d.occurred_at, d.recorded_at, o.known_at) as opened_known_at
    from claimed as o
    inner join marketplace.dispute_events as d
        on o.seller_id = d.seller_id and o.order_id = d.order_id
    where
        d.event_type = 'opened'
        and greatest(d.occurred_at, d.recorded_at) <= (select b.as_of from bounds as b)
    order by
        d.seller_id, d.order_id, d.dispute_id,
        greatest(d.occurred_at, d.recorded_at, o.known_at), d.occurred_at, d.dispute_event_id

),

-- The events of disputes in time, in order. No opening here is of what is open.
events as (

    select
        d.seller_id,
        d.order_id,
        d.dispute_id,
        d.dispute_event_id,
        d.event_type,
        d.amount,
        greatest(d.occurred_at, p.opened_at) as occurred_at,
        greatest(d.occurred_at, d.recorded_at, p.opened_known_at) as known_at
    from opened as p
    inner join marketplace.dispute_events as d
        on
            p.seller_id = d.seller_id
            and p.order_id = d.order_id
            and p.dispute_id = d.dispute_id
    where
        p.opened_at < p.release_at
        and p.opened_known_at < p.paying_window_ends_at
        and greatest(d.occurred_at, d.recorded_at) <= (select b.as_of from bounds as b)

),

rounds as (

    select
        e.*,
        count(case when e.event_type = 'opened' then 1 end) over (
            partition by e.seller_id, e.order_id, e.dispute_id
            order by
                e.known_at, e.occurred_at, case when e.event_type = 'opened' then 0 else 1 end,
                e.dispute_event_id
            rows unbounded preceding
        ) as opening
    from events as e

),

borne as (

    select
        r.*,
        case r.event_type
            when 'opened' then r.amount
            when 'won' then greatest(first_value(r.amount) over opening - r.amount, 0)
            when 'lost' then least(first_value(r.amount) over opening, r.amount)
            else 0
        end as borne_amount
    from rounds as r
    window opening as (
        partition by r.seller_id, r.order_id, r.dispute_id, r.opening
        order by
            r.known_at, r.occurred_at, case when r.event_type = 'opened' then 0 else 1 end,
            r.dispute_event_id
    )

),

claims as (

    select
        r.seller_id,
        r.order_id,
        'refund' as kind,
        1 as claim_rank,
        r.refund_id as claim_id,
        r.amount as claimed_amount,
        r.refunded_at as occurred_at,
        r.known_at
    from refunds as r
    where r.reverses_refund_id is null

    union all

    select
        r.seller_id,
        r.order_id,
        'refund' as kind,
        2 as claim_rank,
        r.refund_id as claim_id,
        least(r.reversed_amount - r.amount, r.refunded_amount)
        - least(r.reversed_amount, r.refunded_amount) as claimed_amount,
        r.refunded_at as occurred_at,
        r.known_at
    from reversals as r

    union all

    select
        b.seller_id,
        b.order_id,
        'dispute' as kind,
        case when b.event_type = 'opened' then 3 else 4 end as claim_rank,
        b.dispute_event_id as claim_id,
        b.borne_amount - coalesce(lag(b.borne_amount) over (
            partition by b.seller_id, b.order_id, b.dispute_id
            order by
                b.known_at, b.occurred_at, case when b.event_type = 'opened' then 0 else 1 end,
                b.dispute_event_id
        ), 0) as claimed_amount,
        b.occurred_at,
        b.known_at
    from borne as b

),

running as (

    select
        c.*,
        sum(c.claimed_amount) over (
            partition by c.seller_id, c.order_id
            order by c.known_at, c.occurred_at, c.claim_rank, c.claim_id
            rows unbounded preceding
        ) as running_amount
    from claims as c

),

entries as (

    select
        o.seller_id,
        'gross' as kind,
        round(o.gross_amount * o.cents_per_unit)::bigint as amount_minor,
        greatest(o.known_at, o.release_at) as available_at
    from orders as o

    union all

    select
        f.seller_id,
        case when f.is_tax then 'tax' else 'fee' end as kind,
        -round(f.amount * o.cents_per_unit)::bigint as amount_minor,
        greatest(f.known_at, o.known_at, o.release_at) as available_at
    from fees as f
    inner join orders as o on f.seller_id = o.seller_id and f.order_id = o.order_id

    union all

    select
        r.seller_id,
        r.kind,
        round(
            least(greatest(r.running_amount - r.claimed_amount, 0), o.gross_amount)
            * o.cents_per_unit
        )::bigint
        - round(
            least(greatest(r.running_amount, 0), o.gross_amount) * o.cents_per_unit
        )::bigint as amount_minor,
        greatest(r.known_at, o.release_at) as available_at
    from running as r
    inner join claimed as o on r.seller_id = o.seller_id and r.order_id = o.order_id

    union all

    select
        c.seller_id,
        'charge' as kind,
        -round(c.amount * 100)::bigint as amount_minor,
        greatest(c.charged_at, c.recorded_at) as available_at
    from marketplace.seller_charges as c
    where
        greatest(c.charged_at, c.recorded_at) >= (select b.starts_at from bounds as b)
        and greatest(c.charged_at, c.recorded_at) <= (select b.as_of from bounds as b)

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
        coalesce(sum(amount_minor) filter (where is_due and kind = 'gross'), 0) as gross_minor,
        -coalesce(sum(amount_minor) filter (where is_due and kind = 'fee'), 0) as fees_minor,
        -coalesce(sum(amount_minor) filter (where is_due and kind = 'tax'), 0) as taxes_minor,
        -coalesce(sum(amount_minor) filter (where is_due and kind = 'refund'), 0)
            as refunds_minor,
        -coalesce(sum(amount_minor) filter (where is_due and kind = 'dispute'), 0)
            as disputes_minor,
        -coalesce(sum(amount_minor) filter (where is_due and kind = 'charge'), 0)
            as charges_minor,
        coalesce(sum(amount_minor) filter (where is_due and kind = 'adjustment'), 0)
            as adjustments_minor,
        coalesce(sum(amount_minor) filter (where is_due), 0) as new_minor,
        count(*) filter (where is_due and kind = 'gross') as order_count,
        count(*) filter (where is_due and amount_minor <> 0) as entry_count,
        coalesce(sum(amount_minor) filter (where is_pending), 0) as pending_minor
    from judged
    group by seller_id

),

final as (

    select
        coalesce(s.seller_id, c.seller_id) as seller_id,
        coalesce(s.gross_minor, 0)::bigint as gross_minor,
        coalesce(s.fees_minor, 0)::bigint as fees_minor,
        coalesce(s.taxes_minor, 0)::bigint as taxes_minor,
        coalesce(s.refunds_minor, 0)::bigint as refunds_minor,
        coalesce(s.disputes_minor, 0)::bigint as disputes_minor,
        coalesce(s.charges_minor, 0)::bigint as charges_minor,
        coalesce(s.adjustments_minor, 0)::bigint as adjustments_minor,
        coalesce(c.net_minor, 0)::bigint as carried_forward_minor,
        (coalesce(s.new_minor, 0) + coalesce(c.net_minor, 0))::bigint as net_minor,
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
    taxes_minor,
    refunds_minor,
    disputes_minor,
    charges_minor,
    adjustments_minor,
    carried_forward_minor,
    net_minor,
    order_count,
    pending_minor
from final
where is_in_window
order by seller_id
