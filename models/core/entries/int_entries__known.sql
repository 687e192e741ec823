with

orders as (

    select * from {{ ref('int_orders') }}

),

fees as (

    select * from {{ ref('int_order_fees') }}

),

claims as (

    select * from {{ ref('int_claims') }}

),

adjustments as (

    select * from {{ ref('int_adjustments__as_of') }}

),

facts as (

    select
        'order' as entry_type,
        order_id as source_id,
        order_id,
        seller_id,
        gross_minor as amount_minor,
        ordered_at as occurred_at,
        known_at,
        release_at
    from orders

    union all

    select
        'fee' as entry_type,
        fee_id as source_id,
        order_id,
        seller_id,
        -amount_minor as amount_minor,
        charged_at as occurred_at,
        known_at,
        release_at
    from fees
    where amount_minor <> 0

    union all

    select
        claim_type as entry_type,
        claim_id as source_id,
        order_id,
        seller_id,
        -effective_minor as amount_minor,
        occurred_at,
        known_at,
        release_at
    from claims
    where effective_minor <> 0

    union all

    select
        'adjustment' as entry_type,
        adjustment_id::text as source_id,
        null::text as order_id,
        seller_id,
        amount_minor,
        entered_at as occurred_at,
        approved_at as known_at,
        approved_at as release_at
    from adjustments

),

final as (

    select
        entry_type,
        source_id,
        order_id,
        seller_id,
        amount_minor,
        occurred_at,
        known_at,
        greatest(known_at, release_at) as available_at
    from facts

)

select * from final
