{#- A table where distributed: Citus takes no union apart below the outer joins of int_orders. -#}
{{ config(materialized='table' if var('distributed') else 'view', unlogged=true) }}

-- One row per order that this build looks at, good or bad: the recent and the touched ones, which
-- are all of them where everything is computed.

with

build as (

    select * from {{ ref('int_build') }}

),

orders as not materialized (

    select * from {{ ref('stg_marketplace__orders') }}

),

-- A range of an index, and the few older ones, each looked up by its key: one "or" would read all
-- orders.
found as (

    select * from orders
    where ordered_at >= (select build.ordered_from from build)

    union all

    select older.*
    from {{ ref('int_orders__touched') }} as touched
    {{ looked_up('older', of='touched', among='orders') }}

),

final as (

    select
        seller_id,
        order_id,
        currency,
        gross_amount,
        exchange_rate,
        ordered_at,
        known_at,
        is_misdated
    from found

)

select * from final
