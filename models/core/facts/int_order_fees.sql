{#- Stored: four models read it, and each would join the fees to their orders again. Unlogged:
    nothing reads it after the build that wrote it. -#}
{{ config(materialized='table', unlogged=true) }}

with

orders as (

    select * from {{ ref('int_orders') }}

),

paired as (

    select
        fees.*,
        orders.seller_id as seller_of_order,
        orders.known_at as order_known_at,
        orders.release_at
    from orders
    {% if is_scoped() -%}
        -- Looked up order by order: a join would read all fees there ever were.
        cross join lateral (
            select every.* from {{ ref('stg_marketplace__order_fees') }} as every
            where every.order_id = orders.order_id
            order by every.order_id
            offset 0
        ) as fees
    {%- else -%}
        inner join {{ ref('stg_marketplace__order_fees') }} as fees
            on orders.order_id = fees.order_id
    {%- endif %}

),

final as (

    select
        fee_id,
        order_id,
        seller_id,
        amount_minor,
        charged_at,
        greatest(known_at, order_known_at) as known_at,
        release_at
    from paired
    where
        seller_id = seller_of_order
        and amount_minor is not null
        and known_at <= {{ as_of() }}

)

select * from final
