{{ config(materialized='table', unlogged=true) }}

-- One row per dispute event that is valid in itself, of an order with an effect.

with

orders as (

    select * from {{ ref('int_orders') }}

),

late as {{ computed_once() }} (

    {{ late_facts('dispute_events') }}

),

paired as (

    select
        facts.*,
        orders.cents_per_unit,
        orders.release_at,
        orders.paying_window_ends_at,
        {{ is_before_go_live(
            'greatest(facts.known_at, orders.first_known_at, orders.release_at)'
        ) }} as is_settled_elsewhere,
        greatest(facts.known_at, orders.first_known_at) as first_known_at,
        greatest(facts.known_at, orders.known_at) as paired_known_at
    from {{ facts_of_orders(ref('stg_marketplace__dispute_events')) }}
    where
        {{ opaque_to_planner(
            defect_of('facts', claim_defect(
                'facts.amount', 'orders.decimals', 'orders.cents_per_unit', 'facts.event_type'
            )) ~ ' is null'
        ) }}

),

posted as (

    select
        paired.*,
        {{ posted_at('greatest(paired.known_at, paired.release_at)') }} as posted_at
    from paired
    left join late
        on paired.seller_id = late.seller_id and paired.dispute_event_id = late.source_id

),

final as (

    select
        seller_id,
        order_id,
        dispute_id,
        dispute_event_id,
        event_type,
        case when event_type <> 'withdrawn' then amount end as amount,
        cents_per_unit,
        occurred_at,
        first_known_at,
        greatest(posted_at, paired_known_at) as known_at,
        posted_at,
        release_at,
        is_settled_elsewhere,
        paying_window_ends_at
    from posted
    where greatest(posted_at, paired_known_at) <= {{ as_of() }}

)

select * from final
