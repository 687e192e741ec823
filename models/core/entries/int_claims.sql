{{ config(materialized='table', indexes=[{'columns': ['order_id']}]) }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

refunds as (

    select * from {{ ref('int_refunds') }}

),

disputes as (

    select * from {{ ref('int_disputes') }}
    where is_in_time

),

claims as (

    select
        order_id,
        seller_id,
        'refund' as claim_type,
        1 as claim_rank,
        refund_id as claim_id,
        amount_minor as claimed_minor,
        refunded_at as occurred_at,
        known_at
    from refunds

    union all

    select
        order_id,
        seller_id,
        'dispute_opened' as claim_type,
        2 as claim_rank,
        opened_event_id as claim_id,
        opened_minor as claimed_minor,
        opened_at as occurred_at,
        opened_known_at as known_at
    from disputes

    union all

    select
        order_id,
        seller_id,
        'dispute_won' as claim_type,
        3 as claim_rank,
        outcome_event_id as claim_id,
        -given_back_minor as claimed_minor,
        outcome_at as occurred_at,
        outcome_known_at as known_at
    from disputes
    where outcome = 'won'

),

running as (

    select
        claims.*,
        sum(claims.claimed_minor) over (
            partition by claims.seller_id, claims.order_id
            order by claims.known_at, claims.occurred_at, claims.claim_rank, claims.claim_id
            rows unbounded preceding
        )::bigint as running_minor
    from claims

),

-- The seller never owes more than the gross: each claim counts by how far it moves the plain
-- running sum once that is clamped to [0, gross]. The running sum itself is not clamped.
final as (

    select
        running.order_id,
        running.seller_id,
        running.claim_type,
        running.claim_id,
        running.claimed_minor,
        running.occurred_at,
        running.known_at,
        orders.release_at,
        greatest(0, least(running.running_minor, orders.gross_minor))
        - greatest(0, least(running.running_minor - running.claimed_minor, orders.gross_minor))
            as effective_minor
    from running
    inner join orders on running.order_id = orders.order_id

)

select * from final
