{{
    config(
        materialized='table',
        indexes=[{'columns': ['order_id'], 'unique': true}, {'columns': ['seller_id']}],
    )
}}

{%- set build = ref('int_build') %}
{%- set is_scoped = is_scoped() %}
{%- set touched = ref('int_orders__touched') %}

with

orders as not materialized (

    select * from {{ ref('stg_marketplace__orders') }}

),

-- Looked up by their keys before anything else is asked of them.
touched as materialized (

    select * from orders
    where order_id = any(array(select touched.order_id from {{ touched }} as touched))

),

-- A range of an index, and the few older ones: one "or" would read all orders.
candidates as (

    select * from orders
    {% if is_scoped -%}
        where ordered_at >= (select build.ordered_from from {{ build }} as build)

        union all

        select * from touched
        where ordered_at < (select build.ordered_from from {{ build }} as build)
    {%- endif %}

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
        candidates.order_id,
        candidates.seller_id,
        candidates.gross_minor,
        candidates.ordered_at,
        greatest(candidates.known_at, sellers.created_at) as known_at,
        candidates.ordered_at + policies.reserve_period as release_at
    from candidates
    inner join sellers on candidates.seller_id = sellers.seller_id
    inner join policies
        on
            candidates.ordered_at >= policies.valid_from
            and candidates.ordered_at < policies.valid_to
    where
        candidates.currency = '{{ var("settlement_currency") }}'
        and candidates.gross_minor > 0

),

final as (

    select
        *,
        {{ window_ends_at('greatest(release_at, known_at)') }} as paying_window_ends_at
    from effective
    where known_at <= {{ as_of() }}

)

select * from final
