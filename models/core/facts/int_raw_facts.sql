-- One row per fact as it came, good or bad: what every kind of fact has. What it reads begins with
-- seller_id: a cluster sends a union to its workers only where all parts have it in one place.

with

final as (

    select
        'orders' as source_table,
        order_id as source_id,
        order_id,
        seller_id,
        landed_xid,
        gross_amount as amount,
        null as event_type,
        null as reverses_refund_id,
        is_misdated,
        listed_at,
        known_at
    from {{ ref('stg_marketplace__orders') }}

    union all

    select
        'order_fees' as source_table,
        fee_id as source_id,
        order_id,
        seller_id,
        landed_xid,
        amount,
        null as event_type,
        null as reverses_refund_id,
        is_misdated,
        listed_at,
        known_at
    from {{ ref('stg_marketplace__order_fees') }}

    union all

    select
        'refunds' as source_table,
        refund_id as source_id,
        order_id,
        seller_id,
        landed_xid,
        amount,
        null as event_type,
        reverses_refund_id,
        is_misdated,
        listed_at,
        known_at
    from {{ ref('stg_marketplace__refunds') }}

    union all

    select
        'dispute_events' as source_table,
        dispute_event_id as source_id,
        order_id,
        seller_id,
        landed_xid,
        amount,
        event_type,
        null as reverses_refund_id,
        is_misdated,
        listed_at,
        known_at
    from {{ ref('stg_marketplace__dispute_events') }}

    union all

    select
        'seller_charges' as source_table,
        charge_id as source_id,
        null as order_id,
        seller_id,
        landed_xid,
        amount,
        null as event_type,
        null as reverses_refund_id,
        is_misdated,
        listed_at,
        known_at
    from {{ ref('stg_marketplace__seller_charges') }}

)

select * from final
