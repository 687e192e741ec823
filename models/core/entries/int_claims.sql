{{ config(materialized='table', indexes=[{'columns': ['seller_id', 'order_id']}]) }}

-- One row per refund, reversal and event of a dispute in time: what of its claim is charged.

with

orders as (

    select * from {{ ref('int_orders') }}

),

claims as (

    select
        seller_id,
        order_id,
        case when is_reversal then 'refund_reversed' else 'refund' end as claim_type,
        case when is_reversal then 2 else 1 end as claim_rank,
        refund_id as claim_id,
        claimed_amount,
        refunded_at as occurred_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from {{ ref('int_refunds') }}

    union all

    select
        seller_id,
        order_id,
        'dispute_' || event_type as claim_type,
        case event_type when 'opened' then 3 else 4 end as claim_rank,
        dispute_event_id as claim_id,
        claimed_amount,
        occurred_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere
    from {{ ref('int_dispute_claims') }}
    where is_in_time and is_effective

),

running as (

    select
        claims.*,
        sum(claims.claimed_amount) over (
            partition by claims.seller_id, claims.order_id
            order by claims.known_at, claims.occurred_at, claims.claim_rank, claims.claim_id
            rows unbounded preceding
        ) as running_amount
    from claims

),

-- The seller never owes more than the gross: a claim counts by how far it moves the plain running
-- sum once that is clamped to [0, gross] and converted. The running sum itself is not clamped.
bounded as (

    select
        running.*,
        orders.cents_per_unit,
        least(greatest(running.running_amount, 0), orders.gross_amount) as amount_after,
        least(
            greatest(running.running_amount - running.claimed_amount, 0), orders.gross_amount
        ) as amount_before
    from running
    inner join orders
        on running.seller_id = orders.seller_id and running.order_id = orders.order_id

),

final as (

    select
        seller_id,
        order_id,
        claim_type,
        claim_id,
        claimed_amount,
        occurred_at,
        known_at,
        posted_at,
        release_at,
        is_settled_elsewhere,
        {{ settled('amount_after', 'cents_per_unit') }}
        - {{ settled('amount_before', 'cents_per_unit') }} as effective_minor,
        {{ settled('claimed_amount - amount_after + amount_before', 'cents_per_unit') }}
            as cut_off_minor
    from bounded

)

select * from final
