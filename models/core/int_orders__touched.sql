{{ config(materialized='table', indexes=[{'columns': ['order_id'], 'unique': true}]) }}

{%- set branches = [
    ('ordered', 'orders', 'ordered_at', 'ordered_from'),
    ('known', 'orders', 'known_at', 'known_from'),
    ('charged', 'order_fees', 'known_at', 'known_from'),
    ('refunded', 'refunds', 'known_at', 'known_from'),
    ('moved', 'dispute_events', 'known_at', 'known_from'),
] %}

with recursive

build as (

    select
        least(scope_from, health_from) as known_from,
        least(
            scope_from - (
                select max(policies.reserve_period)
                from {{ ref('int_reserve_policies') }} as policies
            ),
            health_from
        ) as ordered_from
    from {{ ref('int_build') }}

),

-- Orders with an entry that may have become available since the scope begins: released since, or
-- with a fact that became known since; and those that health counts. Each is a range of one index,
-- on its own: in a union the planner would rather walk whole tables in the order of their ids.
{% for name, facts, instant, since in branches -%}
    {{ name }} as materialized (

        select order_id from {{ ref('stg_marketplace__' ~ facts) }}
        where {{ instant }} >= (select build.{{ since }} from build)

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

touched as (
    {%- for name, _, _, _ in branches %}

        select order_id from {{ name }}

        union
    {%- endfor %}

    select order_id from of_new_sellers

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

-- Which event opened a dispute is decided among all orders that its events name, and theirs.
related as (

    select order_id from touched

    union

    select order_id from disputed

    union

    select other.order_id
    from related
    inner join {{ ref('stg_marketplace__dispute_events') }} as named
        on related.order_id = named.order_id
    inner join {{ ref('stg_marketplace__dispute_events') }} as other
        on named.dispute_id = other.dispute_id

),

final as (

    select order_id from related
    where {{ is_scoped() }}

)

select * from final
