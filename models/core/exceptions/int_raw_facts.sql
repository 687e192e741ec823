-- One row per fact as it came, good or bad: what every kind of fact has.

with

final as (

    select
        'orders' as source_table,
        order_id as source_id,
        order_id,
        seller_id,
        currency,
        gross_minor as amount_minor,
        true as must_be_positive,
        known_at
    from {{ ref('stg_marketplace__orders') }}

    union all

    select
        'order_fees' as source_table,
        fee_id as source_id,
        order_id,
        seller_id,
        null as currency,
        amount_minor,
        false as must_be_positive,
        known_at
    from {{ ref('stg_marketplace__order_fees') }}

    union all

    select
        'refunds' as source_table,
        refund_id as source_id,
        order_id,
        seller_id,
        null as currency,
        amount_minor,
        true as must_be_positive,
        known_at
    from {{ ref('stg_marketplace__refunds') }}

    union all

    select
        'dispute_events' as source_table,
        dispute_event_id as source_id,
        order_id,
        seller_id,
        null as currency,
        amount_minor,
        true as must_be_positive,
        known_at
    from {{ ref('stg_marketplace__dispute_events') }}

)

select * from final
