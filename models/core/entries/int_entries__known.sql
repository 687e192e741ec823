-- One row per fact that is known and what it does to the balance: nothing, too (amount 0), and
-- what is settled elsewhere.

with

facts as (

    select * from {{ ref('int_entries__of_orders') }}

    union all

    select * from {{ ref('int_entries__of_sellers') }}

),

final as (

    select
        entry_type,
        entry_detail,
        source_id,
        order_id,
        seller_id,
        amount_minor,
        occurred_at,
        known_at,
        posted_at,
        greatest(known_at, release_at) as available_at,
        is_settled_elsewhere
    from facts

)

select * from final
