{{
    config(
        materialized='table',
        indexes=[{'columns': ['order_id'], 'unique': true}, {'columns': ['seller_id']}],
    )
}}

{%- set is_scoped = is_scoped() %}
{%- set touched = ref('int_orders__touched') %}

with

orders as (

    select * from {{ ref('stg_marketplace__orders') }}

),

sellers as (

    select * from {{ ref('stg_marketplace__sellers') }}

),

policies as (

    select * from {{ ref('int_reserve_policies') }}

),

-- An order without its seller, in another currency or with an amount that is no money has no
-- effect, nor has any fact of it.
effective as (

    select
        orders.order_id,
        orders.seller_id,
        orders.gross_minor,
        orders.ordered_at,
        greatest(orders.known_at, sellers.created_at) as known_at,
        orders.ordered_at + policies.reserve_period as release_at
    from orders
    inner join sellers on orders.seller_id = sellers.seller_id
    inner join policies
        on orders.ordered_at >= policies.valid_from and orders.ordered_at < policies.valid_to
    where
        orders.currency = '{{ var("settlement_currency") }}'
        and orders.gross_minor > 0
        {% if is_scoped -%}
            and orders.order_id in (
                select touched.order_id from {{ touched }} as touched
            )
        {%- endif %}

),

final as (

    select
        *,
        {{ window_ends_at('greatest(release_at, known_at)') }} as paying_window_ends_at
    from effective
    where known_at <= {{ as_of() }}

)

select * from final
