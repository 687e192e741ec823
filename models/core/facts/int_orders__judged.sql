-- One row per order known by now, or never, whatever build looks at it, with its defect: for facts
-- that are looked up one by one, each with its order.

with

orders as not materialized (

    select * from {{ ref('stg_marketplace__orders') }}
    where listed_at <= {{ as_of() }}

),

currencies as (

    select * from {{ ref('currencies') }}

),

final as (

    select
        orders.seller_id,
        orders.order_id,
        currencies.decimals,
        {{ cents(rate('orders')) }} as cents_per_unit,
        {{ order_defect('orders', 'currencies') }} as defect
    from orders
    left join currencies on orders.currency = currencies.currency

)

select * from final
