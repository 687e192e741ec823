{#- Unlogged: nothing reads it after the build that wrote it. -#}
{{ config(materialized='table', unlogged=true) }}

-- One row per order that is older than what a build looks at anyway, and that it must look at: with
-- a fact that became known or landed since, of a new seller, or disputed.

{%- set facts = [
    ('charged', 'order_fees'),
    ('refunded', 'refunds'),
    ('moved', 'dispute_events'),
] %}

with

build as not materialized (

    select * from {{ ref('int_build') }}

),

-- These a build computes anyway; what is looked for is older than they are.
recent as (

    select
        seller_id,
        order_id
    from {{ ref('stg_marketplace__orders') }}
    where ordered_at >= (select build.ordered_from from build)

),

known as (

    select
        seller_id,
        order_id
    from {{ ref('stg_marketplace__orders') }}
    where
        known_at >= (select build.known_from from build)
        and ordered_at < (select build.ordered_from from build)

),

{% for name, table in facts -%}
    {{ name }} as (

        select
            seller_id,
            order_id
        from {{ ref('stg_marketplace__' ~ table) }}
        where known_at >= (select build.known_from from build)

    ),

{% endfor -%}
of_new_sellers as {{ computed_once() }} (

    select
        orders.seller_id,
        orders.order_id
    from {{ ref('stg_marketplace__orders') }} as orders
    where
        orders.seller_id
        = any(array(select sellers.seller_id from {{ ref('int_sellers__new') }} as sellers))

),

-- Nearly all of these are recent: which are not is asked before the same order is left out twice.
touched as (

    select * from known

    union all
    {%- for name, _ in facts %}

        select * from {{ name }}

        union all
    {%- endfor %}

    select
        seller_id,
        order_id
    from {{ ref('int_late_facts') }}
    where order_id is not null and posted_at >= (select build.known_from from build)

    union all

    select * from of_new_sellers

    union all

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
    -- A condition that is plainly false would have Citus gather what it reads.
    where recent.order_id is null and (select {{ is_scoped() }})
    group by touched.seller_id, touched.order_id

)

select * from final
