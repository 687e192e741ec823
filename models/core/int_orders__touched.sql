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

final as (

    select order_id from touched
    where {{ is_scoped() }}

)

select * from final
