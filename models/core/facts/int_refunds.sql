with

refunds as (

    select * from {{ ref('stg_marketplace__refunds') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

final as (

    select
        refunds.refund_id,
        refunds.order_id,
        refunds.seller_id,
        refunds.amount_minor,
        refunds.refunded_at,
        greatest(refunds.known_at, orders.known_at) as known_at
    from refunds
    inner join orders
        on
            refunds.order_id = orders.order_id
            and {{ opaque_to_planner('refunds.seller_id = orders.seller_id') }}
    where refunds.amount_minor > 0 and refunds.known_at <= {{ as_of() }}

)

select * from final
