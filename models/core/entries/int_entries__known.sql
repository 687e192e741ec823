-- One row per fact that is known and what it does to the balance: nothing, too (amount 0).

with

facts as (

    select * from {{ ref('int_entries__of_orders') }}

    union all

    select * from {{ ref('int_entries__of_sellers') }}

),

-- What was available before the go-live was settled elsewhere.
final as (

    select
        entry_type,
        source_id,
        order_id,
        seller_id,
        amount_minor,
        occurred_at,
        known_at,
        posted_at,
        greatest(known_at, release_at) as available_at
    from facts
    where
        greatest(known_at, release_at)
        >= (select build.opened_at from {{ ref('int_build') }} as build)

)

select * from final
