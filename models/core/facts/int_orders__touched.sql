{#- Unlogged: nothing reads it after the build that wrote it. -#}
{{ config(materialized='table', unlogged=true) }}

{%- set facts = [
    ('known', 'orders'),
    ('charged', 'order_fees'),
    ('refunded', 'refunds'),
    ('moved', 'dispute_events'),
] %}

with recursive

build as (

    select * from {{ ref('int_build') }}

),

-- These a build computes anyway; what is looked for is older than they are.
recent as materialized (

    select order_id from {{ ref('stg_marketplace__orders') }}
    where ordered_at >= (select build.ordered_from from build)

),

-- Orders with an entry that may have become available since the scope begins: with a fact that
-- became known since; and those that health counts. Each is a range of one index, on its own:
-- joined at once, the planner would rather walk whole tables in the order of their ids.
{% for name, table in facts -%}
    all_{{ name }} as materialized (

        select order_id from {{ ref('stg_marketplace__' ~ table) }}
        where known_at >= (select build.known_from from build)

    ),

    {{ name }} as (

        select facts.order_id from all_{{ name }} as facts
        left join recent on facts.order_id = recent.order_id
        where recent.order_id is null

    ),

{% endfor -%}
of_new_sellers as materialized (

    select orders.order_id from {{ ref('stg_marketplace__orders') }} as orders
    where
        orders.seller_id = any(array(
            select sellers.seller_id from {{ ref('stg_marketplace__sellers') }} as sellers
            where sellers.created_at >= (select build.known_from from build)
        ))

),

-- A dispute counts until it has an outcome that does, however old its order is.
disputed as (

    select opened.order_id
    from {{ ref('stg_marketplace__dispute_events') }} as opened
    where
        opened.event_type = 'opened'
        and not exists (
            select 1 from {{ ref('stg_marketplace__dispute_events') }} as outcome
            where
                outcome.dispute_id = opened.dispute_id
                and outcome.order_id = opened.order_id
                and outcome.seller_id = opened.seller_id
                and outcome.event_type in ('won', 'lost')
                and outcome.amount_minor > 0
                and outcome.known_at <= {{ as_of() }}
        )

),

touched as (
    {%- for name, _ in facts %}

        select order_id from {{ name }}

        union
    {%- endfor %}

    select order_id from of_new_sellers

    union

    select order_id from disputed

    union

    -- Recent or not: only here, for the disputes that they share with others.
    select events.order_id
    from {{ ref('stg_marketplace__dispute_events') }} as events
    inner join recent on events.order_id = recent.order_id

),

-- Which event opened a dispute is decided among all orders that its events name, and theirs. From
-- an array, whose length the planner takes for short: it guesses that rounds multiply their start,
-- and would set memory aside for millions of orders.
related as (

    select unnest(array(select touched.order_id from touched)) as order_id

    union

    select other.order_id
    from related
    inner join {{ ref('stg_marketplace__dispute_events') }} as named
        on related.order_id = named.order_id
    inner join {{ ref('stg_marketplace__dispute_events') }} as other
        on named.dispute_id = other.dispute_id

),

final as (

    select related.order_id from related
    left join recent on related.order_id = recent.order_id
    where recent.order_id is null and {{ is_scoped() }}

)

select * from final
