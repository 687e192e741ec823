-- One row per fact that has no effect because it is bad in itself or its order is.

with

facts as (

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

),

sellers as (

    select * from {{ ref('stg_marketplace__sellers') }}
    where created_at <= {{ as_of() }}

),

raw_orders as (

    select * from {{ ref('stg_marketplace__orders') }}
    where known_at <= {{ as_of() }}

),

judged as (

    select
        facts.source_table,
        facts.source_id,
        facts.seller_id,
        facts.known_at,
        case
            when sellers.seller_id is null then 'unknown_seller'
            when raw_orders.order_id is null then 'unknown_order'
            when raw_orders.seller_id <> facts.seller_id then 'other_seller'
            when facts.currency <> '{{ var("settlement_currency") }}' then 'other_currency'
            when facts.amount_minor is null then 'invalid_amount'
            when facts.must_be_positive and facts.amount_minor <= 0 then 'amount_not_positive'
            when
                raw_orders.currency <> '{{ var("settlement_currency") }}'
                or raw_orders.gross_minor is null
                or raw_orders.gross_minor <= 0
                then 'order_without_effect'
        end as reason
    from facts
    left join sellers on facts.seller_id = sellers.seller_id
    left join raw_orders on facts.order_id = raw_orders.order_id
    where facts.known_at <= {{ as_of() }}

),

final as (

    select * from judged
    where reason is not null

)

select * from final
