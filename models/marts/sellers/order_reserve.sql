with

build as (

    select * from {{ ref('int_build') }}

),

-- Only recent orders can be in reserve: the order's own index bounds the scan.
orders as (

    select orders.* from {{ ref('int_orders') }} as orders
    where
        orders.ordered_at >= (
            select build.as_of - max(policies.reserve_period)
            from {{ ref('int_reserve_policies') }} as policies
            cross join build
            group by build.as_of
        )
        and orders.release_at > (select build.as_of from build)

),

entries as (

    select * from {{ ref('int_entries') }}

),

final as (

    select
        orders.order_id::text as order_id,
        orders.seller_id::text as seller_id,
        {{ money('orders.gross_minor') }} as gross,
        {{ money('sum(entries.amount_minor)') }} as held_amount,
        orders.ordered_at,
        orders.release_at as dispute_window_closes_at
    from orders
    inner join entries on orders.order_id = entries.order_id
    group by
        orders.order_id,
        orders.seller_id,
        orders.gross_minor,
        orders.ordered_at,
        orders.release_at

)

select * from final
