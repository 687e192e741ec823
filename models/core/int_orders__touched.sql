{{ config(materialized='table', indexes=[{'columns': ['order_id'], 'unique': true}]) }}

with

build as (

    select
        scope_from,
        scope_from - (
            select max(policies.reserve_period) from {{ ref('int_reserve_policies') }} as policies
        ) as ordered_from
    from {{ ref('int_build') }}

),

-- Orders with an entry that may have become available since the scope begins: released since, or
-- with a fact that became known since. Each branch is a range of one index.
touched as (

    select order_id from {{ ref('stg_marketplace__orders') }}
    where ordered_at >= (select build.ordered_from from build)

    union

    select order_id from {{ ref('stg_marketplace__orders') }}
    where known_at >= (select build.scope_from from build)

    union

    select order_id from {{ ref('stg_marketplace__order_fees') }}
    where known_at >= (select build.scope_from from build)

    union

    select order_id from {{ ref('stg_marketplace__refunds') }}
    where known_at >= (select build.scope_from from build)

    union

    select order_id from {{ ref('stg_marketplace__dispute_events') }}
    where known_at >= (select build.scope_from from build)

    union

    select orders.order_id from {{ ref('stg_marketplace__orders') }} as orders
    where orders.seller_id in (
        select sellers.seller_id from {{ ref('stg_marketplace__sellers') }} as sellers
        where sellers.created_at >= (select build.scope_from from build)
    )

),

-- A dispute without an outcome counts until it has one, however old its order is.
disputed as (

    select opened.order_id
    from {{ ref('stg_marketplace__dispute_events') }} as opened
    where
        opened.event_type = 'opened'
        and not exists (
            select 1 from {{ ref('stg_marketplace__dispute_events') }} as outcome
            where outcome.dispute_id = opened.dispute_id and outcome.event_type <> 'opened'
        )

),

-- Which event opened a dispute is decided among all orders that its events name.
related as (

    select other.order_id
    from {{ ref('stg_marketplace__dispute_events') }} as event
    inner join {{ ref('stg_marketplace__dispute_events') }} as other
        on event.dispute_id = other.dispute_id
    where event.order_id in (select touched.order_id from touched)

),

final as (

    select order_id from touched
    where {{ is_scoped() }}

    union

    select order_id from disputed
    where {{ is_scoped() }}

    union

    select order_id from related
    where {{ is_scoped() }}

)

select * from final
