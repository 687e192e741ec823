{#- Stored: four models read it, and each would join the fees to their orders again. -#}
{{ config(materialized='table') }}

{%- set touched = ref('int_orders__touched') %}

with

fees as (

    select * from {{ ref('stg_marketplace__order_fees') }}

),

orders as (

    select * from {{ ref('int_orders') }}

),

final as (

    select
        fees.fee_id,
        fees.order_id,
        fees.seller_id,
        fees.fee_type,
        fees.amount_minor,
        fees.charged_at,
        greatest(fees.known_at, orders.known_at) as known_at
    from fees
    inner join orders
        on
            fees.order_id = orders.order_id
            and {{ is_same('fees.seller_id', 'orders.seller_id') }}
    where
        fees.amount_minor is not null
        and fees.known_at <= {{ as_of() }}
        {% if is_scoped() -%}
            -- Looked up order by order: a join would read all fees there ever were.
            and fees.order_id = any(array(select touched.order_id from {{ touched }} as touched))
        {%- endif %}

)

select * from final
