{#- Unlogged: nothing reads it after the build that wrote it. -#}
{{ config(materialized='table', unlogged=true) }}

-- One row per order that is older than what a build looks at anyway, and that it must look at: with
-- a fact that became known or landed since, of a new seller, or disputed.

{%- set facts = [
    ('known', 'orders'),
    ('charged', 'order_fees'),
    ('refunded', 'refunds'),
    ('moved', 'dispute_events'),
] %}

with

build as (

    select * from {{ ref('int_build') }}

),

-- These a build computes anyway; what is looked for is older than they are.
recent as materialized (

    select
        seller_id,
        order_id
    from {{ ref('stg_marketplace__orders') }}
    where ordered_at >= (select build.ordered_from from build)

),

-- Each is a range of one index, on its own: joined at once, the planner would rather walk whole
-- tables in the order of their ids.
{% for name, table in facts -%}
    {{ name }} as materialized (

        select
            seller_id,
            order_id
        from {{ ref('stg_marketplace__' ~ table) }}
        where known_at >= (select build.known_from from build)

    ),

{% endfor -%}
late as (

    select
        seller_id,
        order_id
    from {{ ref('int_late_facts') }}
    where order_id is not null and posted_at >= (select build.known_from from build)

),

of_new_sellers as materialized (

    select
        orders.seller_id,
        orders.order_id
    from {{ ref('stg_marketplace__orders') }} as orders
    where
        orders.seller_id = any(array(
            select sellers.seller_id from {{ ref('int_sellers') }} as sellers
            where
                sellers.created_at >= (select build.known_from from build)
                or sellers.first_seen_at >= (select build.known_from from build)
        ))

),

touched as (
    {%- for name, _ in facts %}

        select * from {{ name }}

        union
    {%- endfor %}

    select * from late

    union

    select * from of_new_sellers

    union

    select
        seller_id,
        order_id
    from {{ ref('int_orders__disputed') }}

),

final as (

    select
        touched.seller_id,
        touched.order_id
    from touched
    left join recent
        on touched.seller_id = recent.seller_id and touched.order_id = recent.order_id
    where recent.order_id is null and {{ is_scoped() }}

)

select * from final
